// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/ip.h"

namespace weft::io {
class Host;
}

namespace weft::agent {

/// Whether an interface that is up has this address. Loopback counts as ours: no interface of the monitor shows it.
bool owns_address(io::Host& host, const IpAddress& address);
/// Whether an interface that is up has an address of the family beyond link-local.
bool has_family(io::Host& host, IpFamily family);

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/interfaces.h"

#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"

namespace weft::agent {

bool owns_address(io::Host& host, const IpAddress& address) {
  if (address.is_loopback()) return true;
  for (const auto& interface : host.network().interfaces()) {
    for (const auto& prefix : interface.addresses) {
      if (interface.up && prefix.address == address) return true;
    }
  }
  return false;
}

bool has_family(io::Host& host, IpFamily family) {
  for (const auto& interface : host.network().interfaces()) {
    for (const auto& prefix : interface.addresses) {
      if (interface.up && prefix.address.family() == family && !prefix.address.is_link_local()) return true;
    }
  }
  return false;
}

}  // namespace weft::agent

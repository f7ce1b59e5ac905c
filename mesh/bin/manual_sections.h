// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace weft::bin {

/// What the manual page of `weft` says beside its commands, in mdoc(7): environment, files, exit status.
std::string manual_sections();

}  // namespace weft::bin

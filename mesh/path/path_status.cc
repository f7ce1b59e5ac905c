// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/path_status.h"

namespace weft::path {

std::string_view name(SearchState state) {
  switch (state) {
    case SearchState::idle:
      return "idle";
    case SearchState::searching:
      return "searching";
    case SearchState::settled:
      return "settled";
  }
  return "unknown";
}

std::string_view name(PathClass path_class) {
  switch (path_class) {
    case PathClass::none:
      return "none";
    case PathClass::relay:
      return "relay";
    case PathClass::one_way:
      return "one_way";
    case PathClass::direct:
      return "direct";
  }
  return "unknown";
}

}  // namespace weft::path

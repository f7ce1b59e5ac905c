// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/relay_error.h"

namespace weft::relay {

std::string_view to_string(RelayError error) {
  switch (error) {
    case RelayError::malformed:
      return "malformed relay frame";
    case RelayError::too_long:
      return "relay frame longer than its type allows";
    case RelayError::unsupported_version:
      return "version of the relay protocol not supported";
    case RelayError::wrong_signature:
      return "signature by another key than the expected one";
    case RelayError::wrong_proof:
      return "the other side does not hold the key it names";
    case RelayError::admission_expired:
      return "the coordinator's admission has expired";
    case RelayError::admission_foreign:
      return "the coordinator's admission is for another node";
    case RelayError::replaced:
      return "the same node has connected again";
    case RelayError::timed_out:
      return "nothing heard in time";
    case RelayError::overloaded:
      return "the relay has as many clients as it takes";
    case RelayError::not_ready:
      return "the relay has not enrolled with a coordinator yet";
  }
  return "refused for a reason this version does not know";
}

}  // namespace weft::relay

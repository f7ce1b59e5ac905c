// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/control_error.h"

namespace weft::control {

const char* describe(ControlError error) {
  switch (error) {
    case ControlError::malformed:
      return "the bytes are not in the expected format";
    case ControlError::bad_version:
      return "the format's version is not one this program speaks";
    case ControlError::bad_checksum:
      return "the checksum is wrong: part of the text is missing or changed";
    case ControlError::too_large:
      return "a part exceeds its limit";
    case ControlError::too_deep:
      return "values are nested too deeply";
    case ControlError::duplicate_key:
      return "a key occurs twice";
    case ControlError::wrong_type:
      return "a value has the wrong type or is out of range";
    case ControlError::missing_field:
      return "a required field is missing";
    case ControlError::wrong_key:
      return "the other side does not hold the expected key";
    case ControlError::bad_tag:
      return "an encrypted frame was altered, repeated or reordered";
    case ControlError::out_of_order:
      return "a message came where it does not belong";
  }
  return "unknown error";
}

}  // namespace weft::control

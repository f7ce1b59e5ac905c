// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace weft::control {

/// Why a token, a message or the secure channel was not accepted.
enum class ControlError : std::uint8_t {
  malformed,      // not the format at all
  bad_version,    // a version this program does not speak
  bad_checksum,   // a token that was copied wrongly
  too_large,      // above the limit of its place
  too_deep,       // nested deeper than kMaxDepth
  duplicate_key,  // the same key twice in one map
  wrong_type,     // a known key with a value of another type, or out of its range
  missing_field,  // a field without which the message means nothing
  wrong_key,      // the other side does not hold the pinned key
  bad_tag,        // a frame that was altered, replayed or reordered
  out_of_order,   // a message that does not belong in this state
};

/// One sentence for people.
const char* describe(ControlError error);

}  // namespace weft::control

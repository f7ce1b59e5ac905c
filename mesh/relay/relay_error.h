// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::relay {

/// Why a relay connection ends. Values are the wire's (the reason byte of a `refused` frame): never renumbered.
enum class RelayError : std::uint8_t {
  malformed = 1,  // a frame that is none, or of a type that does not belong here
  too_long = 2,   // a frame longer than its type allows
  unsupported_version = 3,
  wrong_signature = 4,  // of an admission, or of the relay's hello
  wrong_proof = 5,      // the MAC that shows possession of a key
  admission_expired = 6,
  admission_foreign = 7,  // the admission is another node's
  replaced = 8,           // the same node connected again; the newest connection wins
  timed_out = 9,          // no hello in time, or nothing heard for too long
  overloaded = 10,        // the relay has as many clients as it takes
  not_ready = 11,         // the relay has no coordinator yet
};

/// One sentence without a full stop.
std::string_view to_string(RelayError error);

}  // namespace weft::relay

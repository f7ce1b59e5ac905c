// SPDX-License-Identifier: BSD-3-Clause
// links: weft_path
#include <cstddef>
#include <cstdint>

#include "mesh/path/probe.h"

/// The message parser behind the AEAD (whose key an attacker lacks, but a hostile peer has), and the header parser
/// before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const weft::ByteView input(data, size);
  static_cast<void>(weft::path::sender_of(input));
  static_cast<void>(weft::path::open(input, weft::crypto::SymmetricKey{}));
  const auto probe = weft::path::parse_message(input);
  if (probe) {
    if (const auto* plan = std::get_if<weft::path::Plan>(&probe->message)) {
      static_cast<void>(weft::path::probeable(plan->candidates, plan->candidates));
    }
  }
  return 0;
}

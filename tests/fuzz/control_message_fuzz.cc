// SPDX-License-Identifier: BSD-3-Clause
// links: weft_control
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mesh/control/message.h"

/// Control messages and the stored map. What is accepted must survive a round trip unchanged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::control;
  const weft::ByteView input(data, size);
  static_cast<void>(parse_map(input));
  const auto message = parse_message(input);
  if (!message || std::holds_alternative<UnknownMessage>(*message)) return 0;
  const weft::Bytes written = encode(*message);
  const auto again = parse_message(written);
  if (!again || encode(*again) != written) std::abort();
  return 0;
}

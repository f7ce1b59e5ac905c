// SPDX-License-Identifier: BSD-3-Clause
// links: weft_base
// A parser with a planted error, which its fuzzer must find: it believes the length on the wire. The memory is exactly
// as large as the message, so that the sanitizer sees the first byte too far.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "mesh/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weft::Reader reader({data, size});
  if (reader.u32be() != 0x57656674) return 0;  // "Weft"
  const std::size_t length = reader.u8();
  if (reader.failed()) return 0;
  const auto body = std::make_unique<std::uint8_t[]>(reader.remaining());
  reader.copy_to({body.get(), reader.remaining()});
  volatile std::uint8_t sum = 0;
  for (std::size_t i = 0; i < length; ++i) sum = static_cast<std::uint8_t>(sum + body[i]);
  return 0;
}

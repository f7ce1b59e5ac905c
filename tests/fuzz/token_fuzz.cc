// SPDX-License-Identifier: BSD-3-Clause
// links: weft_control
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mesh/control/token.h"

/// Setup tokens as a user pastes them. What is accepted must survive a round trip unchanged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto token = weft::control::parse_token(weft::as_text({data, size}));
  if (token && weft::control::parse_token(weft::control::encode(*token)) != *token) std::abort();
  return 0;
}

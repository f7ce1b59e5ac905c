// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "mesh/base/bytes.h"

namespace weft::crypto {

/// Incremental BLAKE2b with a 32-byte digest (RFC 7693), over libsodium. A value: copies continue independently.
class Blake2b {
 public:
  Blake2b();
  Blake2b(const Blake2b& other);
  Blake2b& operator=(const Blake2b& other);
  ~Blake2b();
  Blake2b& update(ByteView bytes);
  /// The digest so far; updates may continue afterwards.
  std::array<std::uint8_t, 32> digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::crypto

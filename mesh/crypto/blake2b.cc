// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/blake2b.h"

#include <sodium/crypto_generichash_blake2b.h>

namespace weft::crypto {

struct Blake2b::State {
  crypto_generichash_blake2b_state inner;
};

Blake2b::Blake2b() : state_(std::make_unique<State>()) {
  crypto_generichash_blake2b_init(&state_->inner, nullptr, 0, 32);
}
Blake2b::Blake2b(const Blake2b& other) : state_(std::make_unique<State>(*other.state_)) {}
Blake2b& Blake2b::operator=(const Blake2b& other) { return *state_ = *other.state_, *this; }
Blake2b::~Blake2b() = default;

Blake2b& Blake2b::update(ByteView bytes) {
  crypto_generichash_blake2b_update(&state_->inner, bytes.data(), bytes.size());
  return *this;
}

std::array<std::uint8_t, 32> Blake2b::digest() const {
  State copy = *state_;
  std::array<std::uint8_t, 32> out;
  crypto_generichash_blake2b_final(&copy.inner, out.data(), out.size());
  return out;
}

}  // namespace weft::crypto

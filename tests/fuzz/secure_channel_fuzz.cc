// SPDX-License-Identifier: BSD-3-Clause
// links: weft_control
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mesh/control/secure_channel.h"

namespace {

class FixedEntropy final : public weft::Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{7}); }
  weft::KeyProvenance provenance() const override { return weft::KeyProvenance::simulated; }
};

}  // namespace

/// A stranger's stream at a coordinator, and at a client that has said its first message: never a session, never a
/// crash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weft::control::SecureChannel;
  static FixedEntropy entropy;
  static const auto key = weft::crypto::PrivateKey::generate(entropy);
  const weft::ByteView input(data, size);
  auto client = SecureChannel::initiator(key, key.public_key(), entropy);
  static_cast<void>(client.handle_data(input));
  auto server = SecureChannel::responder(key, entropy);
  const std::size_t half = size / 2;
  if (server.handle_data(input.first(half))) static_cast<void>(server.handle_data(input.subspan(half)));
  if (server.poll_message() || client.poll_message()) std::abort();
  static_cast<void>(server.poll_write());
  return 0;
}

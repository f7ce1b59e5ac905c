// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/once_watch.h"

#include <algorithm>

#include "mesh/path/probe.h"
#include "mesh/relay/udp_frame.h"
#include "sim/fabric/trace_hash.h"
#include "sim/scenario/datagram.h"

namespace weft::sim {
namespace {

constexpr std::uint8_t kTransportData = 4;             // WireGuard paper §5.4.6
constexpr std::size_t kIndexAt = 4, kKeySize = 12;     // receiver index and counter
constexpr std::size_t kNonceAt = 10, kNonceSize = 24;  // of a probe

}  // namespace

void OnceWatch::Seen::see(ByteView bytes, ByteView message) {
  Key key{};
  std::ranges::copy(bytes, key.begin());
  const std::uint64_t digest = fabric::digest64(message);
  const auto [known, fresh] = digests_.emplace(key, digest);
  if (!fresh) {
    if (known->second != digest && breaches_++ == 0) first_ = to_hex(bytes);
    return;
  }
  order_.push_back(known->first);
  if (order_.size() <= kRemembered) return;
  digests_.erase(order_.front());
  order_.pop_front();
}

std::string OnceWatch::Seen::told() const {
  return breaches_ == 0 ? "" : std::to_string(breaches_) + " messages, the first with " + first_;
}

void OnceWatch::see(ByteView ip_packet) {
  ByteView message = datagram_in(ip_packet);
  if (const ByteView inside = relay::data_content(message); !inside.empty()) message = inside;
  if (message.size() >= kIndexAt + kKeySize && message[0] == kTransportData && message[1] == 0 && message[2] == 0 &&
      message[3] == 0) {
    counters_.see(message.subspan(kIndexAt, kKeySize), message);
  } else if (message.size() > kNonceAt + kNonceSize && message[0] == path::kProbeMagic) {
    nonces_.see(message.subspan(kNonceAt, kNonceSize), message);
  }
}

}  // namespace weft::sim

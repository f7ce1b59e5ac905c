// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/key_watch.h"

#include <algorithm>

#include "mesh/crypto/keys.h"
#include "mesh/relay/udp_frame.h"
#include "sim/scenario/datagram.h"

namespace weft::sim {
namespace {

/// Where a handshake message has its ephemeral key (WireGuard paper §5.4.2, §5.4.3), and how long it is.
constexpr std::size_t kInitiationSize = 148, kInitiationKeyAt = 8, kResponseSize = 92, kResponseKeyAt = 12;

ByteView ephemeral_key(ByteView message) {
  if (message.size() == kInitiationSize && load_u32le(message.data()) == 1)
    return message.subspan(kInitiationKeyAt, 32);
  if (message.size() == kResponseSize && load_u32le(message.data()) == 2) return message.subspan(kResponseKeyAt, 32);
  return {};
}

}  // namespace

void KeyWatch::drawn(bool server, ByteView bytes) {
  Key key;
  if (bytes.size() != key.size()) return;
  std::ranges::copy(bytes, key.begin());
  if (server) {
    servers_.push_back(key);
  } else {
    secrets_.emplace(load_u64le(key.data()), key);
    beginnings_.set(load_u16be(key.data()));
  }
}

std::uint64_t KeyWatch::leaks(ByteView packet) const {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at + sizeof(Key) <= packet.size(); ++at) {
    if (!beginnings_.test(load_u16be(packet.data() + at))) continue;
    const auto [first, last] = secrets_.equal_range(load_u64le(packet.data() + at));
    for (auto each = first; each != last; ++each) count += std::ranges::equal(each->second, packet.subspan(at, 32));
  }
  return count;
}

/// Of streams nothing is looked at: with TLS, a client's random bytes are drawn like a key and sent.
void KeyWatch::see(ByteView ip_packet) {
  ByteView message = datagram_in(ip_packet);
  if (message.empty()) return;
  leaked_ += leaks(message);
  const bool to_carrier = relay::data_channel(message, relay::UdpType::carry).has_value();
  const bool from_carrier = relay::data_channel(message, relay::UdpType::carried).has_value();
  if (const ByteView inside = relay::data_content(message); !inside.empty()) message = inside;
  const ByteView key = ephemeral_key(message);
  if (key.empty()) return;
  Key copy;
  std::ranges::copy(key, copy.begin());
  ephemeral_.insert(copy);
  if (to_carrier) to_carry_.insert(copy);
  made_ += from_carrier && !to_carry_.contains(copy) ? 1 : 0;
}

std::string KeyWatch::violation() const {
  if (leaked_ > 0) return "a secret of a node was on a wire (" + std::to_string(leaked_) + " times)";
  if (made_ > 0) return "a node that carries has handed on a handshake that nobody gave it";
  for (const Key& drawn : servers_) {
    Key key;
    std::ranges::copy(crypto::PrivateKey(drawn).public_key().bytes(), key.begin());
    if (ephemeral_.contains(key)) return "a relay or coordinator is an end of a WireGuard session";
  }
  return {};
}

}  // namespace weft::sim

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/udp_frame.h"

#include <algorithm>

#include "mesh/crypto/blake2s.h"

namespace weft::relay {
namespace {

constexpr std::size_t kMacSize = 16;
using Mac = std::array<std::uint8_t, kMacSize>;

void store_u64be(std::uint8_t* at, std::uint64_t value) {
  store_u32be(at, static_cast<std::uint32_t>(value >> 32));
  store_u32be(at + 4, static_cast<std::uint32_t>(value));
}
std::uint64_t load_u64be(const std::uint8_t* at) { return std::uint64_t{load_u32be(at)} << 32 | load_u32be(at + 4); }

Mac mac_of(ByteView content, const UdpKey& key) {
  Mac mac;
  crypto::blake2s_keyed(key.bytes(), {content}, mac);
  return mac;
}

}  // namespace

UdpControlBytes serialize(const UdpControl& message, const UdpKey& key) {
  UdpControlBytes bytes;
  bytes[0] = kUdpMagic;
  bytes[1] = static_cast<std::uint8_t>(kUdpVersion << 4 | static_cast<std::uint8_t>(message.type));
  store_u64be(&bytes[2], message.binding);
  store_u64be(&bytes[10], message.counter);
  std::ranges::copy(message.cookie, bytes.begin() + 18);
  std::ranges::copy(mac_of(ByteView(bytes).first(kUdpControlSize - kMacSize), key), bytes.end() - kMacSize);
  return bytes;
}

std::optional<UdpControl> parse_udp_control(ByteView datagram) {
  if (datagram.size() != kUdpControlSize || datagram[0] != kUdpMagic || datagram[1] >> 4 != kUdpVersion) {
    return std::nullopt;
  }
  const auto type = static_cast<UdpType>(datagram[1] & 15);
  if (type < UdpType::hello || type > UdpType::alive) return std::nullopt;
  UdpControl message{
      .type = type, .binding = load_u64be(&datagram[2]), .counter = load_u64be(&datagram[10]), .cookie = {}};
  std::copy_n(datagram.begin() + 18, message.cookie.size(), message.cookie.begin());
  return message;
}

bool authentic(ByteView datagram, const UdpKey& key) {
  return crypto::equal_constant_time(mac_of(datagram.first(kUdpControlSize - kMacSize), key), datagram.last(kMacSize));
}

}  // namespace weft::relay

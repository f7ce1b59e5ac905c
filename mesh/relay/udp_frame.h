// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/crypto/keys.h"

namespace weft::relay {

/// Version 1 of the relay protocol over UDP, beside a client's stream to the same relay. Byte 0 is D8; byte 1 the
/// version (upper half) and the type. All control datagrams are alike, so no answer is longer than its question:
///
///     D8, version and type (1), binding (8), counter (8), cookie (16), mac (16)
///
/// `binding` is the number that the relay gave on the stream. `mac` is keyed BLAKE2s over all before it; the key comes
/// from the handshake on the stream and is never on the wire. The relay has proof of the client's address when the
/// cookie that it sent there comes back:
///
///     client → relay  hello      here I am, and are you? (also the keepalive)
///     relay → client  alive      to a bound address: same counter
///     relay → client  challenge  to any other: same counter, and a cookie made of binding and address
///     client → relay  proof      the cookie, and a counter greater than of any proof before; answered by alive
///
/// A data datagram is D8, version and type, channel (4), and the peers' datagram. A channel is a random number that the
/// relay has drawn for a client and one of its peers (frame `channel`); it means the peer both ways.
inline constexpr std::uint8_t kUdpMagic = 0xD8;
inline constexpr std::uint8_t kUdpVersion = 1;

/// dial_back is no control datagram: see dial_back.h. carry and carried have the layout of data, between a node and a
/// peer that carries for it: to the carrier and from it (carry_table.h).
enum class UdpType : std::uint8_t {
  hello = 1,
  challenge = 2,
  proof = 3,
  alive = 4,
  data = 5,
  dial_back = 6,
  carry = 7,
  carried = 8,
};

using UdpChannel = std::uint32_t;  // never 0
using UdpBinding = std::uint64_t;  // never 0
using UdpCookie = std::array<std::uint8_t, 16>;
using UdpKey = crypto::SymmetricKey;

/// Most channels of one client; what goes to further peers keeps to the streams.
inline constexpr std::size_t kMaxChannels = 4096;
inline constexpr std::size_t kUdpDataHeader = 2 + 4;
inline constexpr std::size_t kUdpControlSize = 2 + 8 + 8 + 16 + 16;

struct UdpControl {
  UdpType type = UdpType::hello;
  UdpBinding binding = 0;
  std::uint64_t counter = 0;
  UdpCookie cookie{};
};
using UdpControlBytes = std::array<std::uint8_t, kUdpControlSize>;

UdpControlBytes serialize(const UdpControl& message, const UdpKey& key);
/// nullopt if the datagram is none, of another version or too short. Whether it is authentic is for authentic().
std::optional<UdpControl> parse_udp_control(ByteView datagram);
/// Whether `datagram`, which parse_udp_control() has read, carries the mac of who holds `key`.
bool authentic(ByteView datagram, const UdpKey& key);

/// The channel of a datagram of this type: data, carry or carried; nullopt if it is none.
inline std::optional<UdpChannel> data_channel(ByteView datagram, UdpType type = UdpType::data) {
  const std::uint8_t second = static_cast<std::uint8_t>(kUdpVersion << 4 | static_cast<std::uint8_t>(type));
  if (datagram.size() < kUdpDataHeader || datagram[0] != kUdpMagic || datagram[1] != second) return std::nullopt;
  return load_u32be(datagram.data() + 2);
}
/// The peers' datagram that one of the three types carries; an empty view if `datagram` is of none of them.
inline ByteView data_content(ByteView datagram) {
  const bool any =
      data_channel(datagram) || data_channel(datagram, UdpType::carry) || data_channel(datagram, UdpType::carried);
  return any ? datagram.subspan(kUdpDataHeader) : ByteView{};
}
/// Writes the kUdpDataHeader bytes before a datagram.
inline void write_data_header(std::uint8_t* at, UdpChannel channel, UdpType type = UdpType::data) {
  at[0] = kUdpMagic;
  at[1] = static_cast<std::uint8_t>(kUdpVersion << 4 | static_cast<std::uint8_t>(type));
  store_u32be(at + 2, channel);
}

}  // namespace weft::relay

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/packet.h"

namespace weft::gateway {

using Mac = std::array<std::uint8_t, 6>;
inline constexpr Mac kBroadcast = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

/// Six hexadecimal octets between colons; nullopt for anything else.
std::optional<Mac> parse_mac(std::string_view text);
std::string to_string(const Mac& mac);

/// A frame lies in memory as an AF_PACKET socket with PACKET_VNET_HDR moves it: virtio_net_hdr, Ethernet, IP.
inline constexpr std::size_t kVnetSize = 10;
inline constexpr std::size_t kEthernetSize = 14;
inline constexpr std::size_t kIpAt = kVnetSize + kEthernetSize;
inline constexpr std::uint16_t kEtherTypeV4 = 0x0800, kEtherTypeArp = 0x0806, kEtherTypeV6 = 0x86DD;

/// What a virtio_net_hdr says; nullopt for a kind of segmentation that is none of PacketOffload's. Offsets count from
/// the IP header.
std::optional<PacketOffload> read_vnet(ByteView frame);
void write_vnet(MutableByteView frame, const PacketOffload& offload);

inline std::uint16_t ether_type(ByteView frame) { return load_u16be(frame.data() + kVnetSize + 12); }
/// Of the IP packet at the beginning of `ip`, without what Ethernet padded; 0 if `type` is not its version's, or the
/// packet shorter than it says.
std::size_t ip_length(ByteView ip, std::uint16_t type);
void write_ethernet(MutableByteView frame, const Mac& destination, const Mac& source, std::uint16_t type);
/// Room for the headers, then `ip_packet`; the headers are zero but for the type.
Bytes make_frame(ByteView ip_packet);

/// Cuts a super-packet into what goes over a wire and finishes every checksum. The result lives in `out`'s calls only.
/// False: the offload does not fit the packet.
bool segment(ByteView ip_packet, const PacketOffload& offload, const std::function<void(ByteView)>& out);

/// Length of the IP packets that go over the wire in the end: the largest segment's.
std::size_t wire_size(ByteView ip_packet, const PacketOffload& offload);

/// After addresses have changed: the sum that an unfinished checksum field holds, of the pseudo header alone.
void restore_partial_checksum(MutableByteView ip_packet, const PacketOffload& offload);

}  // namespace weft::gateway

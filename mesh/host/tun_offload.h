// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <optional>

#include "mesh/base/packet.h"

namespace weft::host {

/// Size of the header before each packet of a TUN device that was opened with IFF_VNET_HDR (struct virtio_net_hdr).
inline constexpr std::size_t kVnetHeaderSize = 10;

/// nullopt: a kind of segmentation that we did not ask for, or fewer bytes than a header.
std::optional<PacketOffload> parse_vnet_header(ByteView bytes);
/// `header_length`: of the IP and transport headers, 0 for a packet that needs no segmentation.
std::array<std::uint8_t, kVnetHeaderSize> make_vnet_header(const PacketOffload& offload, std::size_t header_length);

/// What the kernel was talked into when the device was opened, from the best to the plainest.
enum class TunOffload : std::uint8_t {
  tcp_and_udp,  // as tcp, and UDP super-packets (Linux 6.2)
  tcp,          // hands over and takes TCP super-packets and packets without a transport checksum
  header,       // a header before each packet, which says nothing
  none,
};

/// Asks the kernel for what it will give on an open /dev/net/tun; the interface is made (TUNSETIFF) with the flags in
/// `flags` and, if possible, IFF_VNET_HDR. nullopt, with errno set: no interface.
std::optional<TunOffload> attach_tun(int fd, char (&name)[16], short flags);

}  // namespace weft::host

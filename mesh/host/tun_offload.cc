// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/tun_offload.h"

#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "mesh/host/linux_abi.h"

namespace weft::host {
namespace {

using Segmentation = PacketOffload::Segmentation;

// <linux/virtio_net.h> is no C++. Fields are in the machine's byte order unless asked otherwise (TUNSETVNETLE).
struct VnetHeader {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t hdr_len;
  std::uint16_t gso_size;
  std::uint16_t csum_start;
  std::uint16_t csum_offset;
};
static_assert(sizeof(VnetHeader) == kVnetHeaderSize);
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kGsoNone = 0, kGsoTcp4 = 1, kGsoTcp6 = 4;

std::optional<Segmentation> segmentation_of(std::uint8_t type) {
  switch (type) {
    case kGsoNone:
      return Segmentation::none;
    case kGsoTcp4:
      return Segmentation::tcp4;
    case kGsoTcp6:
      return Segmentation::tcp6;
    case abi::kVirtioNetHdrGsoUdpL4:
      return Segmentation::udp_l4;
    default:
      return std::nullopt;
  }
}

std::uint8_t type_of(Segmentation segmentation) {
  if (segmentation == Segmentation::tcp4) return kGsoTcp4;
  if (segmentation == Segmentation::tcp6) return kGsoTcp6;
  if (segmentation == Segmentation::udp_l4) return abi::kVirtioNetHdrGsoUdpL4;
  return kGsoNone;
}

bool set_interface(int fd, char (&name)[16], short flags) {
  ifreq request{};
  std::memcpy(request.ifr_name, name, sizeof name);
  request.ifr_flags = flags;
  if (::ioctl(fd, TUNSETIFF, &request) != 0) return false;
  std::memcpy(name, request.ifr_name, sizeof name);
  return true;
}

}  // namespace

std::optional<PacketOffload> parse_vnet_header(ByteView bytes) {
  if (bytes.size() < kVnetHeaderSize) return std::nullopt;
  VnetHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto segmentation = segmentation_of(header.gso_type);
  if (!segmentation) return std::nullopt;
  return PacketOffload{.segmentation = *segmentation,
                       .segment_size = header.gso_size,
                       .needs_checksum = (header.flags & kNeedsChecksum) != 0,
                       .checksum_start = header.csum_start,
                       .checksum_offset = header.csum_offset};
}

std::array<std::uint8_t, kVnetHeaderSize> make_vnet_header(const PacketOffload& offload, std::size_t header_length) {
  VnetHeader header{};
  header.flags = offload.needs_checksum ? kNeedsChecksum : 0;
  header.gso_type = type_of(offload.segmentation);
  header.hdr_len = static_cast<std::uint16_t>(header_length);
  header.gso_size = offload.segment_size;
  header.csum_start = offload.checksum_start;
  header.csum_offset = offload.checksum_offset;
  std::array<std::uint8_t, kVnetHeaderSize> bytes;
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::optional<TunOffload> attach_tun(int fd, char (&name)[16], short flags) {
  const auto with_header = static_cast<short>(flags | IFF_VNET_HDR);
  if (!set_interface(fd, name, with_header)) {
    if (errno != EINVAL || !set_interface(fd, name, flags)) return std::nullopt;
    return TunOffload::none;
  }
  const int size = kVnetHeaderSize;
  ::ioctl(fd, TUNSETVNETHDRSZ, &size);  // the default, on every kernel that knows more than one size
  constexpr unsigned kTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (::ioctl(fd, TUNSETOFFLOAD, kTcp | abi::kTunFUso4 | abi::kTunFUso6) == 0) return TunOffload::tcp_and_udp;
  return ::ioctl(fd, TUNSETOFFLOAD, kTcp) == 0 ? TunOffload::tcp : TunOffload::header;
}

}  // namespace weft::host

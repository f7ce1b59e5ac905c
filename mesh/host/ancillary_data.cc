// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/ancillary_data.h"

#include <linux/errqueue.h>
#include <linux/in6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <time.h>

#include <cstring>

#include "mesh/base/assert.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"

namespace weft::host {
namespace {

constexpr int kEcnMask = 3;

template <typename T>
T read_data(const cmsghdr& header) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&header), sizeof value);
  return value;
}

/// The kernel sends IP_TOS as one byte and takes it as an int.
int read_small_int(const cmsghdr& header) {
  return header.cmsg_len >= CMSG_LEN(sizeof(int)) ? read_data<int>(header) : read_data<std::uint8_t>(header);
}

bool is_time(const cmsghdr& header) { return header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_TIMESTAMPNS; }

WallTime read_time(const cmsghdr& header) {
  const auto at = read_data<timespec>(header);
  return WallTime(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

void parse_v4(const cmsghdr& header, DatagramMeta& meta) {
  switch (header.cmsg_type) {
    case IP_PKTINFO: {
      const auto info = read_data<in_pktinfo>(header);
      meta.destination.address = to_ip(info.ipi_addr);
      meta.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
      break;
    }
    case IP_TTL:
      meta.ttl = static_cast<std::uint8_t>(read_small_int(header));
      break;
    case IP_TOS:
      meta.ecn = static_cast<Ecn>(read_small_int(header) & kEcnMask);
      break;
    default:
      break;
  }
}

void parse_v6(const cmsghdr& header, DatagramMeta& meta) {
  switch (header.cmsg_type) {
    case IPV6_PKTINFO: {
      const auto info = read_data<in6_pktinfo>(header);
      meta.destination.address = to_ip(info.ipi6_addr);
      meta.interface_index = info.ipi6_ifindex;
      break;
    }
    case IPV6_HOPLIMIT:
      meta.ttl = static_cast<std::uint8_t>(read_small_int(header));
      break;
    case IPV6_TCLASS:
      meta.ecn = static_cast<Ecn>(read_small_int(header) & kEcnMask);
      break;
    default:
      break;
  }
}

std::optional<cmsghdr*> find_error(const msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    const bool v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
    const bool v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
    if (v4 || v6) return header;
  }
  return std::nullopt;
}

/// Appends control messages to the buffer of one header.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& message) : message_(message), space_(message.msg_controllen) {
    message.msg_controllen = 0;
  }

  template <typename T>
  void add(int level, int type, const T& value) {
    auto* header =
        reinterpret_cast<cmsghdr*>(static_cast<std::uint8_t*>(message_.msg_control) + message_.msg_controllen);
    WEFT_ASSERT(message_.msg_controllen + CMSG_SPACE(sizeof value) <= space_);
    std::memset(header, 0, CMSG_SPACE(sizeof value));  // the padding too
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    message_.msg_controllen += CMSG_SPACE(sizeof value);
  }

 private:
  msghdr& message_;
  std::size_t space_;
};

void write_v4(const DatagramMeta& meta, ControlWriter& out) {
  if (!meta.source.address.is_unspecified() || meta.interface_index != 0) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(meta.interface_index);
    if (meta.source.address.is_v4()) info.ipi_spec_dst = to_in_addr(meta.source.address);
    out.add(IPPROTO_IP, IP_PKTINFO, info);
  }
  if (meta.ttl != 0) out.add(IPPROTO_IP, IP_TTL, int{meta.ttl});
  if (meta.ecn != Ecn::not_ect) out.add(IPPROTO_IP, IP_TOS, static_cast<int>(meta.ecn));
}

void write_v6(const DatagramMeta& meta, ControlWriter& out) {
  if (!meta.source.address.is_unspecified() || meta.interface_index != 0) {
    in6_pktinfo info{};
    info.ipi6_ifindex = meta.interface_index;
    if (meta.source.address.is_v6()) info.ipi6_addr = to_in6_addr(meta.source.address);
    out.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if (meta.ttl != 0) out.add(IPPROTO_IPV6, IPV6_HOPLIMIT, int{meta.ttl});
  if (meta.ecn != Ecn::not_ect) out.add(IPPROTO_IPV6, IPV6_TCLASS, static_cast<int>(meta.ecn));
}

}  // namespace

void enable_ancillary_data(int fd, const IpAddress& local, bool ttl) {
  const bool v4 = local.is_v4();
  const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(fd, level, v4 ? IP_RECVERR : IPV6_RECVERR, 1);
  set_option(fd, level, v4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
  if (local.is_unspecified()) set_option(fd, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
  if (ttl) set_option(fd, level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
}

AncillaryReader::Message AncillaryReader::read(const msghdr& message) {
  const auto* name = static_cast<const std::uint8_t*>(message.msg_name);
  const auto* data = static_cast<const std::uint8_t*>(message.msg_control);
  std::size_t length = message.msg_controllen;
  std::optional<WallTime> arrival;
  if (const cmsghdr* first = CMSG_FIRSTHDR(&message); first != nullptr && is_time(*first)) {
    arrival = read_time(*first);
    const std::size_t size = std::min(CMSG_ALIGN(first->cmsg_len), length);
    data += size;
    length -= size;
  }
  if (!name_.is(name, message.msg_namelen)) {
    name_.remember(name, message.msg_namelen);
    sockaddr_storage sender{};
    std::memcpy(&sender, name, std::min<std::size_t>(message.msg_namelen, sizeof sender));
    meta_.source = to_endpoint(sender);
  }
  if (!data_.is(data, length)) {
    data_.remember(data, length);
    meta_ = {.source = meta_.source, .destination = local_};
    for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(header))) {
      if (is_time(*header)) arrival = read_time(*header);
      if (header->cmsg_level == IPPROTO_IP) parse_v4(*header, meta_);
      if (header->cmsg_level == IPPROTO_IPV6) parse_v6(*header, meta_);
      if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO) {
        meta_.segment_size = static_cast<std::uint16_t>(read_small_int(*header));
      }
    }
  }
  return {meta_, arrival};
}

bool parse_error(const msghdr& message, const Endpoint& local, DatagramMeta& meta) {
  const auto header = find_error(message);
  if (!header) return false;
  const auto error = read_data<sock_extended_err>(**header);
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) return false;
  sockaddr_storage offender{};
  const std::size_t room = (*header)->cmsg_len - CMSG_LEN(sizeof error);
  std::memcpy(&offender, CMSG_DATA(*header) + sizeof error, std::min(room, sizeof offender));
  sockaddr_storage destination{};
  std::memcpy(&destination, message.msg_name, std::min<std::size_t>(message.msg_namelen, sizeof destination));
  IcmpError icmp;
  icmp.type = error.ee_type;
  icmp.code = error.ee_code;
  const bool fragmentation_needed = error.ee_origin == SO_EE_ORIGIN_ICMP && icmp.type == 3 && icmp.code == 4;
  const bool packet_too_big = error.ee_origin == SO_EE_ORIGIN_ICMP6 && icmp.type == 2;
  if (fragmentation_needed || packet_too_big) icmp.mtu = error.ee_info;
  icmp.reporter = to_endpoint(offender).address;
  icmp.quoted_source = local;
  icmp.quoted_destination = to_endpoint(destination);
  meta.icmp = icmp;
  return true;
}

void write_control(const DatagramMeta& meta, IpFamily family, std::uint16_t segment_size, msghdr& message) {
  ControlWriter out(message);
  family == IpFamily::v4 ? write_v4(meta, out) : write_v6(meta, out);
  if (segment_size != 0) out.add(IPPROTO_UDP, UDP_SEGMENT, segment_size);
  if (message.msg_controllen == 0) message.msg_control = nullptr;
}

}  // namespace weft::host

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/rtnetlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weft::host {
namespace {

constexpr std::size_t kDumpBuffer = 32 * 1024;  // what the kernel fills at most for one read of a dump

}  // namespace

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, ByteView value) {
  const rtattr attribute{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size())), .rta_type = type};
  const std::size_t at = bytes_.size();
  bytes_.resize(at + RTA_SPACE(value.size()));
  std::memcpy(bytes_.data() + at, &attribute, sizeof attribute);
  std::ranges::copy(value, bytes_.begin() + static_cast<std::ptrdiff_t>(at + RTA_LENGTH(0)));
  return *this;
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::uint32_t value) {
  std::uint8_t bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return attribute(type, ByteView(bytes));
}

ByteView NetlinkRequest::finish() {
  header().nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  return bytes_;
}

Rtnetlink::Rtnetlink() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

bool Rtnetlink::send(NetlinkRequest& request) {
  const auto bytes = request.finish();
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) == static_cast<ssize_t>(bytes.size());
}

int Rtnetlink::change(NetlinkRequest request) {
  if (!send(request)) return errno;
  alignas(nlmsghdr) std::array<std::uint8_t, 4096> answer;
  const auto length = ::recv(fd_.get(), answer.data(), answer.size(), 0);
  if (length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return length < 0 ? errno : EPROTO;
  const auto& header = *reinterpret_cast<const nlmsghdr*>(answer.data());
  return header.nlmsg_type == NLMSG_ERROR ? -netlink_body<nlmsgerr>(header).error : EPROTO;
}

bool Rtnetlink::dump(NetlinkRequest request, const std::function<void(const nlmsghdr&)>& each) {
  if (!send(request)) return false;
  Bytes buffer(kDumpBuffer);
  while (true) {
    const auto length = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (length <= 0) return false;
    std::size_t at = 0;
    while (at + sizeof(nlmsghdr) <= static_cast<std::size_t>(length)) {
      const auto& header = *reinterpret_cast<const nlmsghdr*>(buffer.data() + at);
      if (header.nlmsg_type == NLMSG_DONE) return true;
      if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_len < sizeof(nlmsghdr)) return false;
      each(header);
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
  }
}

}  // namespace weft::host

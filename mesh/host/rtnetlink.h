// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <functional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/host/file_descriptor.h"

namespace weft::host {

/// A route netlink request: a header, a fixed body and attributes (rtnetlink(7)).
class NetlinkRequest {
 public:
  template <typename Body>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Body& body) : bytes_(NLMSG_SPACE(sizeof body)) {
    header() = {.nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = 1, .nlmsg_pid = 0};
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &body, sizeof body);
  }

  NetlinkRequest& attribute(std::uint16_t type, ByteView value);
  NetlinkRequest& attribute(std::uint16_t type, std::uint32_t value);
  NetlinkRequest& attribute(std::uint16_t type, const IpAddress& value) { return attribute(type, value.bytes()); }
  /// The finished message.
  ByteView finish();

 private:
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  Bytes bytes_;
};

/// A conversation with the kernel about links, addresses and routes. Calls wait for the kernel's answer, which it gives
/// without delay.
class Rtnetlink {
 public:
  Rtnetlink();

  /// Sends a change and returns the kernel's errno, 0 for success.
  int change(NetlinkRequest request);
  /// Calls `each` for every message of a dump; false if the kernel refused.
  bool dump(NetlinkRequest request, const std::function<void(const nlmsghdr&)>& each);

 private:
  bool send(NetlinkRequest& request);
  FileDescriptor fd_;
};

/// The attributes behind the body of a message.
template <typename Body>
void for_each_attribute(const nlmsghdr& header, const std::function<void(std::uint16_t type, ByteView value)>& each) {
  const auto* start = reinterpret_cast<const std::uint8_t*>(&header);
  std::size_t at = NLMSG_SPACE(sizeof(Body));
  while (at + sizeof(rtattr) <= header.nlmsg_len) {
    rtattr attribute{};
    std::memcpy(&attribute, start + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > header.nlmsg_len) return;
    each(attribute.rta_type & NLA_TYPE_MASK, {start + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)});
    at += RTA_ALIGN(attribute.rta_len);
  }
}

template <typename Body>
Body netlink_body(const nlmsghdr& header) {
  Body body{};
  std::memcpy(&body, reinterpret_cast<const std::uint8_t*>(&header) + NLMSG_HDRLEN, sizeof body);
  return body;
}

}  // namespace weft::host

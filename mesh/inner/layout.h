// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::inner {

inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;

/// Where the parts of an IP packet are. A core of its own reads them, since only packets that do not fit their path are
/// looked at twice.
struct Layout {
  bool v4 = true;
  std::size_t header = 0;      // length of the IPv4 header, or of IPv6's fixed one
  std::size_t length = 0;      // of the packet by its header; padding may follow
  std::uint8_t protocol = 0;   // IPv6: the first next header; behind extension headers nothing is looked for
  bool dont_fragment = false;  // IPv4's DF; routers never fragment IPv6
  bool fragment = false;       // IPv4: a fragment other than a whole packet; its transport header may be missing
};

/// nullopt unless `bytes` begin with a whole IPv4 or IPv6 packet.
std::optional<Layout> layout_of(ByteView bytes);

IpAddress source_of(ByteView packet, const Layout& layout);
IpAddress destination_of(ByteView packet, const Layout& layout);

/// Length of a TCP header that is there whole, options included; nullopt if `layout` is not that of a TCP segment.
std::optional<std::size_t> tcp_header(ByteView packet, const Layout& layout);

}  // namespace weft::inner

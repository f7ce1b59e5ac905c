// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "mesh/base/bytes.h"
#include "sim/fabric/trace_hash.h"

namespace weft::stack {

/// What FlowMonitor has hung on packets that are in a tunnel, found again by their bytes, which are the same at both
/// ends.
class FlowMarks {
 public:
  void keep(ByteView packet, ns3::Ptr<const ns3::Packet> origin) {
    const std::uint64_t digest = fabric::digest64(packet);
    marks_[digest] = std::move(origin);
    order_.push_back(digest);
    if (order_.size() <= kLimit) return;  // those that were lost on the way
    marks_.erase(order_.front());
    order_.pop_front();
  }
  /// Null if nobody kept it.
  ns3::Ptr<const ns3::Packet> take(ByteView packet) {
    const auto found = marks_.find(fabric::digest64(packet));
    if (found == marks_.end()) return nullptr;
    auto origin = found->second;
    marks_.erase(found);
    return origin;
  }

 private:
  static constexpr std::size_t kLimit = 100'000;
  std::unordered_map<std::uint64_t, ns3::Ptr<const ns3::Packet>> marks_;
  std::deque<std::uint64_t> order_;
};

}  // namespace weft::stack

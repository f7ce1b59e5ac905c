// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/scenario/probe_flow.h"

namespace weft::sim {

/// Holds path probes to the budget of a good neighbour (reference/nat-traversal.md §2), as the Internet sees it: from
/// one public address at most 200 new flows of probes a second with a credit of 100, and at most 1,024 that began in
/// the last two minutes (and what the answers to a few others add), and one search at a time: no two remote addresses
/// get more than kSearchFlows new flows a second each in turns.
class SearchBudget {
 public:
  static constexpr int kPerSecond = 200;
  static constexpr int kBurst = 100;
  static constexpr std::size_t kMaxFlows = 1024 + 64;
  static constexpr Duration kFlowLife = 120s;
  static constexpr std::size_t kSearchFlows = 40;

  void see(Time now, ByteView packet);
  /// Empty if nothing was beyond the budget.
  std::string violation() const;

 private:
  struct Sender {
    std::map<ProbeFlow, Time> flows;                // when each was seen first
    Time full_at{};                                 // of the token bucket
    std::deque<std::pair<Time, IpAddress>> latest;  // new flows of the last second, and to whom
    IpAddress searched;                             // whom the latest search packet was for
    std::map<IpAddress, Time> left;                 // whom others were for before, and until when
  };

  void note_search(Time now, const IpAddress& source, const IpAddress& remote, Sender& sender);
  void note(Time now, const IpAddress& source, const std::string& what);

  std::map<IpAddress, Sender> senders_;
  std::uint64_t breaches_ = 0;
  std::string first_;
};

}  // namespace weft::sim

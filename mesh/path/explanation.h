// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/path/candidate.h"
#include "mesh/path/check_list.h"
#include "mesh/path/path_status.h"
#include "mesh/path/strategy.h"

namespace weft::path {

/// The ladder of reference/nat-traversal.md §2; the values are its numbers.
enum class Rung : std::uint8_t {
  none = 0,
  same_network = 1,
  ipv6 = 2,
  port_mapping = 3,
  simultaneous_open = 4,
  role_order = 5,
  prediction = 6,
  one_sided_search = 7,
  two_sided_search = 8,
  tcp = 9,
  peer_relay = 10,
  relay = 11,
};
std::string_view name(Rung rung);
std::string_view name(CheckList::PairState state);
std::string_view name(Strategy::Method method);
std::string_view name(ProbeVerdict verdict);

/// One search that has run, as this side played it.
struct SearchRecord {
  Strategy::Method method = Strategy::Method::one_sided_search;
  bool opened = false;         // our ports were the unknown ones
  std::uint32_t mappings = 0;  // that it was granted by the budget
  std::uint32_t packets = 0;   // that it sent
  Duration took{0};
  bool running = false;
};

/// What this side has tried towards one peer, and why the pair is as it is. Both sides' facts and candidates are as
/// this side knows them.
struct Explanation {
  struct RemoteCandidate {
    Candidate candidate;
    ProbeVerdict verdict = ProbeVerdict::probe;
    CheckList::PairState state = CheckList::PairState::waiting;  // of those that are probed
    unsigned probes = 0;
    std::optional<Duration> rtt;  // of its last answer
  };

  PathStatus status;
  std::vector<Candidate> own;
  std::vector<RemoteCandidate> remote;  // those of the map and of the plan, then those learned from probes
  NatFacts own_facts, peer_facts;
  Strategy strategy;
  std::vector<Rung> tried;                // in the order of the ladder
  Rung rung = Rung::none;                 // that the path stands on now
  unsigned attempts = 0;                  // how often the ladder was climbed since it was needed
  Duration searched{0};                   // time spent on the ladder since then
  unsigned plans_sent = 0;                // with repetitions
  bool plan_acknowledged = false;         // the last one
  std::optional<Duration> relay_rtt;      // of the way through the relay to the peer and back
  std::optional<SearchRecord> search;     // the last one
  std::optional<Duration> carried_after;  // rung 10: from the first request to the answer by way of the carrier
  std::optional<Duration> next_retry;     // from now
};

}  // namespace weft::path

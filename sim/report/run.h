// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/time.h"
#include "sim/report/matrix.h"

namespace weft::sim {

/// One ping of a pair; times count from the moment when traffic begins (docs/scenario.md, Clocks).
struct PingTimes {
  Duration sent{0};
  std::optional<Duration> arrived;   // at the far TUN
  std::optional<Duration> answered;  // back at the near one
};

/// What became of one line of traffic.
struct PairResult {
  std::string from;
  std::string to;
  bool connected = false;  // an inner ping was answered
  PathClass path = PathClass::none;
  std::optional<Duration> first_packet;    // from t_need to the first inner packet at the far TUN
  std::optional<Duration> time_to_direct;  // from t_need
  std::optional<Duration> rtt;             // median of the answered pings
  std::optional<Duration> least_rtt;       // what the links and the Internet take at least
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t arrived = 0;               // of those sent, at the far TUN
  std::uint64_t reordered = 0;             // of those, behind one that was sent later
  std::optional<Duration> longest_gap;     // between two arrivals that follow each other; nullopt: fewer than two
  std::string reason;                      // why not direct; empty if it is
  std::string via;                         // the node that carries both ways; empty: none does
  std::string nat_from, nat_to;            // chains of models, `+` between them; `public`: none
  std::optional<std::uint64_t> probes;     // of a rival strategy, both sides together
  std::optional<SearchCost> search;        // if the agents have searched for ports
  std::optional<PairExplanation> explain;  // on demand
  std::vector<PingTimes> pings;            // on demand, in the order of sending
};

/// What became of the traffic of an ns-3 application.
struct FlowResult {
  std::string from;
  std::string to;
  std::string kind;  // as in the scenario
  PathClass path = PathClass::none;
  std::uint64_t received_bytes = 0;  // of payload, by the application at the far end; ns3_udp_echo: that came back
  std::uint64_t deliveries = 0;      // to the receiving application
  std::optional<Duration> took;      // from its start to the last byte
  /// Of the whole flow; 0 if nothing arrived.
  double goodput_mbps() const {
    return took && took->count() > 0 ? static_cast<double>(received_bytes) * 8e3 / static_cast<double>(took->count())
                                     : 0;
  }
};

/// How things stood at one moment of a run; not in the JSON.
struct RunMark {
  struct Pair {
    PathClass path = PathClass::none;
    std::string reason;       // why not direct
    Duration planned_rtt{0};  // of links and regions on the way that its packets take
  };
  Duration at{0};                              // since the traffic's clock began
  std::map<std::string, std::uint64_t> bytes;  // of IP packets that nodes and relays had put on their wires
  /// Of those, of all relays: by what they are for (sim/scenario/relay_traffic.h).
  std::map<std::string, std::uint64_t> relay_bytes;
  std::vector<Pair> pairs;  // in the order of the scenario's traffic
};

/// What a node put on its wire from one line of the timeline to the next, in bytes of IP packets.
struct WireBytes {
  std::string since;  // "start", or the pointer of the event
  Duration at{0};     // of it, since the traffic's clock began
  std::string node;
  std::uint64_t bytes = 0;
};

/// How late packets left a simulation that paces itself by the clock.
struct EmulationResult {
  std::uint64_t packets = 0;
  Duration late_median{0}, late_p99{0}, late_most{0};
};

/// One scenario under one seed.
struct RunResult {
  std::string world = "sim";  // or kernel, emulation
  std::uint64_t seed = 0;
  std::string strategy = "weft";
  std::vector<PairResult> pairs;      // in the order of the scenario's traffic
  std::vector<RunMark> marks;         // as asked for
  std::vector<FlowResult> flows;      // likewise, of the ns-3 applications
  std::vector<std::string> failures;  // expectations and invariants that did not hold, a sentence each
  std::vector<WireBytes> wire_bytes;  // in the order of time, then of the nodes
  Duration traffic_began{0};          // on the stage's clock: what all times of traffic and events count from
  Duration virtual_time{0};           // in the kernel world: real, from the beginning of traffic
  std::string trace_hash;             // empty in the kernel world
  std::optional<EmulationResult> emulation;
};

struct RunReport {
  std::string scenario;
  std::vector<RunResult> runs;
  std::string commit;
};

/// The object of docs/schema/run.schema.json, indented.
std::string to_json(const RunReport& report);
/// For a terminal: a line for each pair of each run.
std::string to_table(const RunReport& report);
/// For a terminal: a line for each strategy, with the share of direct pairs and how soon; then which NATs cost the
/// rest.
std::string to_comparison(const RunReport& report);

}  // namespace weft::sim

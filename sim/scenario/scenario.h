// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/world/world.h"

namespace weft::sim {

/// The Internet as a matrix between regions.
struct TopologySpec {
  std::vector<std::string> regions;
  std::vector<std::vector<Duration>> delay;  // one way, [from][to], indexed like `regions`
  std::uint32_t loss_ppm = 0;                // packets lost per million, each way
  int hops = 8;
};

struct RelaySpec {
  std::string name;
  std::string region;
};

struct NodeSpec {
  std::string name;
  std::string region;
  std::string nat;     // key of Scenario::nat
  std::string access;  // key of Scenario::access, or empty
  std::string site;    // nodes of one site share a NAT; unique if the file names none
};

struct PingSpec {
  std::string from;
  std::string to;
  Duration start{0};
  Duration interval = 1s;
  std::uint64_t count = 10;
};

/// Traffic of an ns-3 application through the overlay.
struct FlowSpec {
  std::string from;
  std::string to;
  Duration start{0};
  std::optional<Duration> stop;
  std::string kind;
  FlowPlan plan;  // without destination and times
};

struct EventSpec {
  enum class Kind { set_nat, link_down, link_up, relay_stop, relay_start, coordinator_stop, coordinator_start };
  Kind kind = Kind::link_down;
  Duration at{0};
  std::string node;
  std::string relay;
  std::string nat;
};

struct ExpectSpec {
  enum class Kind { connected, path, time_to_direct, all_connected, direct_where_simultaneous_open_connects };
  Kind kind = Kind::connected;
  std::string from;
  std::string to;
  std::string path;            // for `path`: direct, one_way, relay or none
  std::optional<Duration> at;  // default: at the end
  Duration at_most{0};         // for `time_to_direct`
};

struct MatrixSpec {
  std::vector<std::string> classes;  // keys of Scenario::nat
  std::string region_a;
  std::string region_b;
  std::string access;
};

/// A scenario file as read: every name in it refers to something (parse_scenario checks that).
struct Scenario {
  std::string name;
  TopologySpec topology;
  std::map<std::string, LinkPlan> access;
  std::map<std::string, std::vector<std::string>> nat;  // chain of model names, from the host outwards
  std::string nat_models;                               // folder, resolved against the file's
  std::string coordinator_region;
  std::vector<RelaySpec> relays;
  bool tls = false;
  std::vector<NodeSpec> nodes;
  std::vector<PingSpec> pings;
  std::vector<FlowSpec> flows;
  std::vector<std::pair<std::string, std::string>> ns3_attributes;  // in the order of their names
  std::vector<EventSpec> events;
  std::vector<ExpectSpec> expectations;
  std::optional<MatrixSpec> matrix;
  std::uint64_t seeds = 1;
  Duration duration = 60s;
};

/// Reads a scenario (docs/scenario.md, docs/schema/scenario.schema.json). `file` names it in errors and is what
/// relative folders are resolved against. ErrorCode::usage: one sentence with file, JSON pointer and remedy.
Result<Scenario> parse_scenario(std::string_view text, const std::string& file);
Result<Scenario> load_scenario(const std::string& file);

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/agent/topology.h"
#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/world/world.h"

namespace weft::sim {

/// The Internet as a matrix between regions.
struct TopologySpec {
  std::vector<std::string> regions;
  std::vector<std::vector<Duration>> delay;  // one way, [from][to], indexed like `regions`
  std::uint32_t loss_ppm = 0;                // packets lost per million, each way
  std::uint32_t repeat_ppm = 0;              // packets that arrive once more, per million
  int hops = 8;
  std::vector<std::uint64_t> weights;  // of each region: where a group's members live unless it says so
};

struct RelaySpec {
  std::string name;
  std::string region;
  std::string access;  // key of Scenario::access, or empty: without limits
};

/// A further interface of a node, at a site of its own.
struct UplinkSpec {
  std::string name;  // of the interface
  std::string region, nat, access;
  std::string site;  // NODE/NAME
  bool ipv6 = false;
};

struct NodeSpec {
  std::string name;
  std::string region;
  std::string nat;                   // key of Scenario::nat
  std::string access;                // key of Scenario::access, or empty
  std::string site;                  // nodes of one site share a NAT and its access link; unique if the file names none
  std::string carrier;               // sites that name the same one share all layers of their NAT but the first
  std::uint32_t team = 0;            // of a group with teams, from 1; 0: none
  std::string group;                 // of which it is a member; region, nat, access and site are drawn (draw.h)
  double neighbour_flows_per_s = 0;  // of other hosts at its site
  std::vector<UplinkSpec> uplinks = {};
  bool ipv6 = false;  // its site has native IPv6 beside IPv4
  /// Its operator lets it carry for others (`weft agent --relay-for-peers`), at most so many Mbit/s; 0: not.
  std::uint16_t relay_for_peers = 0;
};

/// Names with weights, from which a member of a group gets one.
struct Choice {
  struct Item {
    std::string name;
    std::uint64_t weight = 1;
  };
  std::vector<Item> items;
};

/// `count` nodes called NAME-1, NAME-2 and so on, of which each seed draws others.
struct GroupSpec {
  std::string name;
  std::uint32_t count = 1;
  std::uint32_t per_site = 1;     // nodes that share a site
  std::uint32_t per_carrier = 1;  // sites behind one carrier's NAT, if their chain has one
  std::uint32_t teams = 0;        // into which its members are dealt; 0: none
  Choice regions, nats, access;
  std::uint32_t ipv6_ppm = 0;  // of its sites have native IPv6 beside IPv4
};

struct PingSpec {
  std::string from;  // a node or, before a seed draws, a group
  std::string to;
  Duration start{0};
  Duration interval = 1s;
  std::uint64_t count = 10;
  std::uint32_t peers = 1;  // of each sender, if `to` is a group
  enum class Partners : std::uint8_t { any, team, site };
  Partners partners = Partners::any;  // from whom they are drawn
};

/// Traffic of an ns-3 application through the overlay.
struct FlowSpec {
  std::string from;
  std::string to;
  Duration start{0};
  std::optional<Duration> stop;
  std::string kind;
  bool ipv6 = false;  // to the overlay address of that family
  FlowPlan plan;      // without destination and times
};

/// A line of the timeline. Which members count depends on the kind (docs/scenario.md).
struct EventSpec {
  enum class Kind {
    set_nat,
    nat_reboot,
    link_down,
    link_up,
    clog,
    unclog,
    partition,
    heal,
    address_change,
    roam,
    relay_stop,
    relay_start,
    coordinator_stop,
    coordinator_start,
    node_stop,
    node_start,
    clock,
    suspend,
    resume
  };
  Kind kind = Kind::link_down;
  Duration at{0};
  std::string pointer;  // of the line in the file
  std::string node;
  std::string uplink;  // link_down, link_up: a further interface of the node; empty: its first
  std::string relay;
  std::string nat;
  std::string region, site, access;       // roam
  bool ipv6 = false;                      // roam, to a new site
  std::string region_a, region_b;         // partition, heal, clog, unclog
  bool new_address = false;               // nat_reboot
  std::size_t layer = 0;                  // nat_reboot: of the chain, from the host outwards
  std::optional<Unsynced> unsynced;       // *_stop
  Duration step{0};                       // clock
  std::int32_t drift_ppm = 0;             // clock
  std::optional<std::uint64_t> rate_bps;  // clog
  std::optional<std::uint32_t> loss_ppm;  // clog
  std::optional<Duration> delay;          // clog: what comes on top
  std::optional<std::uint16_t> mtu;       // clog of an access link
};

struct ExpectSpec {
  enum class Kind {
    connected,
    path,
    time_to_direct,
    answered,
    latency_stretch,
    arrived,
    lost,
    reordered,
    blackout,
    path_changes,
    idle_bytes,
    idle_packets,
    delivered,
    no_plaintext,
    all_connected,
    direct_where_simultaneous_open_connects
  };
  Kind kind = Kind::connected;
  std::string pointer;
  std::string from;  // a node or group; idle_bytes: the node
  std::string to;
  std::string path;                      // for `path`: direct, one_way, relay or none
  std::string reason;                    // for `path`: why it is not direct; empty: any
  std::string via;                       // for `path`: the node that carries; empty: any, or none
  std::optional<Duration> at;            // default: at the end
  Duration at_most{0};                   // for `time_to_direct`, `blackout`
  std::optional<Duration> since, until;  // answered and its like, path_changes, idle_bytes
  double ratio = 1;                      // answered, arrived: at least; latency_stretch: at most
  std::uint64_t at_most_count = 0;       // lost, reordered, path_changes
  double share = 1;                      // of the pairs between two groups that must be as said
  double bytes_per_s = 0;                // idle_bytes: at most
  double per_minute = 0;                 // idle_packets: at most
  std::uint64_t bytes = 0;               // delivered: of each flow, at least
};

struct MatrixSpec {
  std::vector<std::string> classes;  // keys of Scenario::nat
  std::string region_a;
  std::string region_b;
  std::string access;
  double neighbour_flows_per_s = 0;  // at both sites
};

/// What a study of topologies asks beyond the scenario itself (sim/study).
struct StudySpec {
  std::string hub;  // a node
  Duration steady_from{0}, hub_dies{0}, hub_back{0};
  struct Load {
    std::vector<std::uint32_t> sites;
    std::uint32_t share_sites = 0;
    std::vector<double> peer_shares;
    std::string nat, access, hub_access;
    Duration flow{0};
    std::uint64_t seeds = 1;
  };
  Load load;
};

/// A scenario file as read: every name in it refers to something (parse_scenario checks that).
struct Scenario {
  std::string name;
  std::string file;
  TopologySpec topology;
  std::map<std::string, LinkPlan> access;
  std::map<std::string, std::vector<std::string>> nat;  // chain of model names, from the host outwards
  std::string nat_models;                               // folder, resolved against the file's
  std::string coordinator_region;
  std::vector<RelaySpec> relays;
  bool tls = false;
  bool services_ipv6 = false;     // coordinator and relays have native IPv6 beside IPv4
  agent::TopologyConfig overlay;  // of all nodes
  std::vector<NodeSpec> nodes;
  std::vector<GroupSpec> groups;
  std::vector<PingSpec> pings;
  std::vector<FlowSpec> flows;
  std::vector<std::pair<std::string, std::string>> ns3_attributes;  // in the order of their names
  std::vector<EventSpec> events;
  std::vector<ExpectSpec> expectations;
  std::optional<MatrixSpec> matrix;
  std::optional<StudySpec> study;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;
  Duration duration = 60s;
};

/// Reads a scenario (docs/scenario.md, docs/schema/scenario.schema.json). `file` names it in errors and is what
/// relative folders are resolved against. ErrorCode::usage: one sentence with file, JSON pointer and remedy.
Result<Scenario> parse_scenario(std::string_view text, const std::string& file);
Result<Scenario> load_scenario(const std::string& file);

}  // namespace weft::sim

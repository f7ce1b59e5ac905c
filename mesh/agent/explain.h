// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/agent/mapped_port.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/path/explanation.h"

namespace weft::agent {

/// A relay of the map as this node sees it.
struct RelayReport {
  std::string name;
  bool home = false;
  bool connected = false;
  bool udp = false;                    // it is used over UDP, not by its stream
  std::optional<Duration> stun_rtt;    // of a Binding over UDP
  std::optional<Duration> stream_rtt;  // on its stream
};

struct BudgetReport {
  int credit = 0;  // packets that may go at once
  std::uint32_t mappings_alive = 0;
  bool search_running = false;
};

/// One family of the IP underneath.
struct FamilyReport {
  bool address = false;               // an interface has one that is more than link-local
  bool udp = false;                   // a STUN server answers
  std::optional<Endpoint> reflexive;  // what it sees
  bool translated = false;            // and that is none of our addresses
};

/// What this node knows about the network that it is in: `weft netcheck`.
struct NetworkReport {
  std::string name;
  std::uint16_t udp_port = 0;
  FamilyReport v4, v6;
  std::optional<Prefix> nat64;  // IPv4 is reached through it
  std::vector<path::Candidate> candidates;
  path::NatFacts facts;
  std::optional<Duration> facts_age;        // since the last round of tests ended; nullopt: none has
  std::optional<MappedPort::View> mapping;  // nullopt: switched off, or no IPv4
  std::optional<Duration> mapping_tried;    // ago
  std::vector<RelayReport> relays;          // by number
  BudgetReport budget;
  std::string version;
};

/// What this node has tried towards one peer: `weft explain`.
struct PeerReport {
  std::uint64_t id = 0;
  std::string name;
  std::vector<IpAddress> addresses;
  bool online = false;
  std::string relay;  // through which the peer is reached, by name; empty: none
  std::string via;    // the peer that carries in its place; empty: none does
  path::Explanation path;
  std::string reason;  // as in `weft status`
  NetworkReport network;
};

/// One JSON object each: docs/schema/weft-netcheck.schema.json, docs/schema/weft-explain.schema.json. Fields are only
/// ever added.
std::string to_json(const NetworkReport& report);
std::string to_json(const PeerReport& report);

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/metrics_text.h"

#include <fmt/format.h>

#include <map>

#include "mesh/agent/status.h"
#include "mesh/coordinator/coordinator.h"
#include "mesh/relay_server/relay_server.h"

namespace weft::bin {
namespace {

/// A label's value: backslash, quote and line feed are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void version(MetricsText& text) {
  text.family("weft_build_info", "gauge", "Version of the program").sample(true, {{"version", WEFT_VERSION}});
}

void datagrams(MetricsText& text, const agent::DatagramStatus& counters) {
  text.family("weft_datagrams_received_total", "counter", "Datagrams that arrived on the UDP sockets")
      .sample(counters.received);
  text.family("weft_datagrams_sent_total", "counter", "Datagrams that left the UDP sockets").sample(counters.sent);
  text.family("weft_datagrams_dropped_total", "counter", "Datagrams that were dropped on arrival")
      .sample(counters.malformed, {{"reason", "malformed"}})
      .sample(counters.refused, {{"reason", "refused"}});
}

void peers(MetricsText& text, const std::vector<agent::PeerStatus>& list) {
  std::map<std::string_view, std::uint64_t> by_path{{"direct", 0}, {"one_way", 0}, {"relay", 0}, {"none", 0}};
  for (const auto& peer : list) ++by_path[path::name(peer.path)];
  text.family("weft_peers", "gauge", "Peers by the path that data takes");
  for (const auto& [path, count] : by_path) text.sample(count, {{"path", path}});
  text.family("weft_peer_receive_bytes_total", "counter", "Bytes from a peer");
  for (const auto& peer : list) text.sample(peer.rx_bytes, {{"peer", peer.name}});
  text.family("weft_peer_transmit_bytes_total", "counter", "Bytes to a peer");
  for (const auto& peer : list) text.sample(peer.tx_bytes, {{"peer", peer.name}});
  text.family("weft_peer_rtt_seconds", "gauge", "Last round trip to a peer");
  for (const auto& peer : list) {
    if (peer.rtt) text.sample(to_seconds(*peer.rtt), {{"peer", peer.name}});
  }
}

void carrier(MetricsText& text, const agent::CarrierStatus& carrier) {
  text.family("weft_peer_relay_pairs", "gauge", "Pairs of peers for whom this node carries").sample(carrier.pairs);
  text.family("weft_peer_relay_packets_total", "counter", "Datagrams carried between peers").sample(carrier.packets);
  text.family("weft_peer_relay_bytes_total", "counter", "Bytes carried between peers").sample(carrier.bytes);
  text.family("weft_peer_relay_dropped_total", "counter", "Datagrams that were not carried")
      .sample(carrier.over_rate, {{"reason", "over_rate"}})
      .sample(carrier.unbound, {{"reason", "unbound"}});
}

}  // namespace

MetricsText& MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  return *this;
}

MetricsText& MetricsText::sample(double value, Labels labels) {
  write(fmt::format("{}", value), labels);
  return *this;
}

MetricsText& MetricsText::sample(std::uint64_t value, Labels labels) {
  write(fmt::format("{}", value), labels);
  return *this;
}

void MetricsText::write(const std::string& value, Labels labels) {
  text_ += name_;
  const char* before = "{";
  for (const auto& [name, content] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", before, name, escaped(content));
    before = ",";
  }
  if (labels.size() > 0) text_ += '}';
  text_ += ' ' + value + '\n';
}

std::string agent_metrics(const agent::AgentStatus& status, bool up) {
  MetricsText text;
  version(text);
  text.family("weft_up", "gauge", "Whether the machine is up, as `weft up` makes it").sample(up);
  text.family("weft_coordinator_connected", "gauge", "Whether the control channel is open")
      .sample(status.coordinator.connected);
  text.family("weft_coordinator_data_age_seconds", "gauge", "Time since the coordinator was last heard in this run");
  if (status.coordinator.data_age) text.sample(to_seconds(*status.coordinator.data_age));
  text.family("weft_address_conflicts", "gauge", "Networks of other systems inside 100.64.0.0/10")
      .sample(std::uint64_t{status.conflicts.size()});
  datagrams(text, status.datagrams);
  peers(text, status.peers);
  if (status.relay_for_peers.offered) carrier(text, status.relay_for_peers);
  return text.take();
}

std::string relay_metrics(const relay_server::RelayServerStatus& status) {
  MetricsText text;
  version(text);
  text.family("weft_coordinator_connected", "gauge", "Whether the control channel is open")
      .sample(status.coordinator_connected);
  text.family("weft_relay_clients", "gauge", "Nodes that are connected").sample(std::uint64_t{status.clients});
  text.family("weft_relay_forwarded_total", "counter", "Datagrams forwarded").sample(status.forwarded);
  text.family("weft_relay_forwarded_bytes_total", "counter", "Bytes forwarded").sample(status.forwarded_bytes);
  text.family("weft_relay_forwarded_udp_total", "counter", "Datagrams that came and left over UDP")
      .sample(status.forwarded_udp);
  text.family("weft_relay_dropped_total", "counter", "Datagrams that were not forwarded")
      .sample(status.dropped, {{"reason", "slow_receiver"}})
      .sample(status.absent, {{"reason", "absent_receiver"}});
  text.family("weft_relay_stun_answered_total", "counter", "STUN requests answered").sample(status.stun_answered);
  return text.take();
}

std::string coordinator_metrics(const coordinator::Coordinator& coordinator) {
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> count;
  for (const std::string_view role : {"node", "relay"}) count[{role, "online"}] = count[{role, "offline"}] = 0;
  for (const auto& node : coordinator.list_nodes()) {
    ++count[{node.role == control::Role::relay ? "relay" : "node", node.online ? "online" : "offline"}];
  }
  MetricsText text;
  version(text);
  text.family("weft_nodes", "gauge", "Nodes and relays of the network");
  for (const auto& [labels, number] : count) text.sample(number, {{"role", labels.first}, {"state", labels.second}});
  return text.take();
}

}  // namespace weft::bin

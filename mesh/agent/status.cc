// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/status.h"

#include <nlohmann/json.hpp>

namespace weft::agent {
namespace {

using Json = nlohmann::ordered_json;

Json texts(const std::vector<IpAddress>& addresses) {
  Json list = Json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

Json milliseconds(const std::optional<Duration>& duration) { return duration ? Json(to_ms(*duration)) : Json(nullptr); }
Json seconds(const std::optional<Duration>& duration) { return duration ? Json(to_seconds(*duration)) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json nat_json(const path::NatFacts& facts) {
  return {{"mapping", path::mapping_word(facts)},
          {"filtering", path::filtering_word(facts)},
          {"allocation", path::allocation_word(facts)}};
}

Json describe(const SelfStatus& self) {
  Json candidates = Json::array();
  for (const auto& candidate : self.candidates) {
    candidates.push_back({{"kind", path::name(candidate.kind)}, {"endpoint", candidate.endpoint.to_string()}});
  }
  return {{"id", self.id},
          {"name", self.name},
          {"addresses", texts(self.addresses)},
          {"node_key", self.node_key},
          {"relay", text_or_null(self.relay)},
          {"relay_transport", self.relay.empty() ? Json(nullptr) : Json(self.relay_udp ? "udp" : "stream")},
          {"udp_port", self.udp_port},
          {"candidates", candidates},
          {"nat", nat_json(self.facts)}};
}

Json describe(const PeerStatus& peer) {
  return {{"name", peer.name},
          {"addresses", texts(peer.addresses)},
          {"path", path::name(peer.path)},
          {"endpoint", peer.endpoint ? Json(peer.endpoint->to_string()) : Json(nullptr)},
          {"relay", text_or_null(peer.relay)},
          {"relay_transport", text_or_null(peer.relay_transport)},
          {"via", text_or_null(peer.via)},
          {"rtt_ms", milliseconds(peer.rtt)},
          {"rx_bytes", peer.rx_bytes},
          {"tx_bytes", peer.tx_bytes},
          {"last_handshake_s", seconds(peer.last_handshake)},
          {"id", peer.id},
          {"online", peer.online},
          {"state", path::name(peer.state)},
          {"reason", text_or_null(peer.reason)},
          {"time_to_direct_ms", milliseconds(peer.time_to_direct)},
          {"path_changes", peer.path_changes},
          {"path_mtu", peer.path_mtu == 0 ? Json(nullptr) : Json(peer.path_mtu)},
          {"inner_mtu", peer.inner_mtu},
          {"mtu_state", peer.mtu_state},
          {"keepalive_s", seconds(peer.keepalive)},
          {"probes_sent", peer.probes_sent}};
}

Json describe(const DatagramStatus& counters) {
  return {{"received", counters.received},       {"sent", counters.sent},
          {"send_failed", counters.send_failed}, {"icmp_errors", counters.icmp_errors},
          {"malformed", counters.malformed},     {"refused", counters.refused}};
}

Json describe(const PacketStatus& counters) {
  return {{"from_tun", counters.from_tun},       {"to_tun", counters.to_tun},
          {"no_peer", counters.no_peer},         {"no_path", counters.no_path},
          {"tun_refused", counters.tun_refused}, {"relay_refused", counters.relay_refused},
          {"forwarded", counters.forwarded},     {"hops_exceeded", counters.hops_exceeded},
          {"other_lane", counters.other_lane},   {"lane_overflow", counters.lane_overflow}};
}

Json describe(const CarrierStatus& carrier) {
  return {{"offered", carrier.offered}, {"pairs", carrier.pairs},         {"packets", carrier.packets},
          {"bytes", carrier.bytes},     {"over_rate", carrier.over_rate}, {"unbound", carrier.unbound}};
}

Json describe(const std::vector<OverlayConflict>& conflicts) {
  Json list = Json::array();
  for (const auto& each : conflicts) {
    list.push_back({{"interface", each.interface}, {"prefix", each.prefix.to_string()}, {"addresses", each.addresses}});
  }
  return list;
}

}  // namespace

std::string to_json(const AgentStatus& status) {
  Json peers = Json::array();
  for (const auto& peer : status.peers) peers.push_back(describe(peer));
  const Json coordinator = {{"connected", status.coordinator.connected},
                            {"data_age_s", seconds(status.coordinator.data_age)},
                            {"error", text_or_null(status.coordinator.error)}};
  const Json all = {{"self", describe(status.self)},
                    {"peers", peers},
                    {"coordinator", coordinator},
                    {"conflicts", describe(status.conflicts)},
                    {"datagrams", describe(status.datagrams)},
                    {"packets", describe(status.packets)},
                    {"relay_for_peers", describe(status.relay_for_peers)},
                    {"topology", status.topology},
                    {"hub", text_or_null(status.hub)},
                    {"version", status.version}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
// What a running agent answers when asked: its status, and pings.
#include <algorithm>

#include "mesh/agent/pending_ping.h"
#include "mesh/agent/wiring.h"
#include "mesh/io/clock.h"
#include "mesh/io/stream.h"

namespace weft::agent {

SelfStatus Wiring::self() const {
  const auto& network = map();
  return {.id = network.self_id,
          .name = network.self_name.empty() ? config_.name : network.self_name,
          .addresses = network.self_addresses,
          .node_key = data_->device().public_key().to_base64(),
          .relay = relays_->ready(relays_->home()) ? relays_->name(relays_->home()) : std::string(),
          .relay_udp = relays_->udp(relays_->home()),
          .udp_port = mux_->port(),
          .candidates = addresses_->view().candidates,
          .facts = addresses_->view().facts};
}

std::optional<PeerStatus> Wiring::peer(const IpAddress& address) const {
  for (const auto& [id, record] : map().peers) {
    if (std::ranges::find(record.addresses, address) != record.addresses.end()) return status_of(record);
  }
  return std::nullopt;
}

/// nullopt: the record has not become a peer yet.
std::optional<PeerStatus> Wiring::status_of(const control::PeerRecord& record) const {
  const auto entry = peers_->entries().find(record.id);
  if (entry != peers_->entries().end()) return status_of(record, entry->second);
  return hub_.empty() ? std::nullopt : std::optional(status_behind_hub(record));
}

AgentStatus Wiring::status() const {
  const auto heard = control_->session().last_heard();
  AgentStatus status;
  status.self = self();
  for (const auto& [id, record] : map().peers) {
    if (auto peer = status_of(record)) status.peers.push_back(std::move(*peer));
  }
  status.coordinator = {.connected = control_->connected(),
                        .data_age = heard ? std::optional(host_.clock().now() - *heard) : std::nullopt,
                        .error = control_->error() ? control_->error()->message : std::string()};
  status.conflicts = conflicts_;
  for (auto& conflict : status.conflicts) {
    for (const auto& peer : status.peers) {
      conflict.addresses += static_cast<std::size_t>(
          std::ranges::count_if(peer.addresses, [&](const auto& each) { return conflict.prefix.contains(each); }));
    }
  }
  const auto datagrams = mux_->counters();
  const auto packets = data_->counters();
  const auto lanes = data_->lane_counters();
  status.datagrams = {.received = datagrams.received + lanes.received,
                      .sent = datagrams.sent + lanes.sent,
                      .send_failed = datagrams.send_failed + lanes.send_failed,
                      .icmp_errors = datagrams.icmp,
                      .malformed = datagrams.unknown,
                      .refused = packets.refused};
  status.packets = {.from_tun = packets.from_tun,
                    .to_tun = packets.to_tun,
                    .no_peer = packets.no_peer,
                    .no_path = packets.no_path,
                    .tun_refused = packets.tun_refused,
                    .relay_refused = packets.relay_refused,
                    .forwarded = data_->forwarded().forwarded,
                    .hops_exceeded = data_->forwarded().expired,
                    .other_lane = lanes.passed_on,
                    .lane_overflow = lanes.overflow};
  const auto carried = carriers_->counters();
  status.relay_for_peers = {.offered = carriers_->offers(),
                            .pairs = carriers_->carried_pairs(),
                            .packets = carried.packets,
                            .bytes = carried.bytes,
                            .over_rate = carried.over_rate,
                            .unbound = carried.unbound};
  status.topology = std::string(name(config_.topology.kind));
  if (config_.topology.kind == Topology::hub) status.hub = config_.topology.hub;
  status.version = WEFT_VERSION;
  return status;
}

PeerStatus Wiring::status_of(const control::PeerRecord& record, const PeerTable::Entry& entry) const {
  const auto path = peers_->status(entry);
  const auto stats = data_->device().stats(entry.device_id);
  const std::size_t inner_mtu = entry.link ? entry.link->inner_mtu() : 0;
  const bool direct = path.chosen && !path.chosen->relayed();
  const bool carried = path.chosen && path::is_carried(*path.chosen);
  const std::uint16_t relay = path.chosen && !direct && !carried ? path.chosen->relay : record.home_relay;
  PeerStatus peer{.id = record.id,
                  .name = record.name,
                  .addresses = record.addresses,
                  .online = record.online,
                  .state = path.state,
                  .path = path.path_class,
                  .reason = std::string(path.reason),
                  .endpoint = direct ? std::optional(path.chosen->remote) : std::nullopt,
                  .relay = relays_->name(relay),
                  .relay_transport = !relays_->ready(relay) ? ""
                                     : relays_->udp(relay)  ? "udp"
                                                            : "stream",
                  .via = carried ? carriers_->name(*path.chosen) : std::string(),
                  .rtt = path.rtt,
                  .time_to_direct = path.time_to_direct,
                  .path_changes = path.changes,
                  .path_mtu = path.path_mtu,
                  .inner_mtu = static_cast<std::uint16_t>(inner_mtu == 0 ? config_.tun.mtu : inner_mtu),
                  .mtu_state = std::string(path::name(path.mtu_state)),
                  .keepalive = path.keepalive > 0ns ? std::optional(path.keepalive) : std::nullopt,
                  .probes_sent = path.probes_sent,
                  .rx_bytes = stats.rx_bytes,
                  .tx_bytes = stats.tx_bytes,
                  .last_handshake = {}};
  if (stats.last_handshake) peer.last_handshake = host_.clock().now() - *stats.last_handshake;
  return peer;
}

/// Of a peer that a spoke reaches through its hub: what there is to say is the hub's.
PeerStatus Wiring::status_behind_hub(const control::PeerRecord& record) const {
  PeerStatus peer{.id = record.id, .name = record.name, .addresses = record.addresses, .online = record.online};
  peer.reason = "by_hub";
  peer.inner_mtu = config_.tun.mtu;
  if (peers_->entries().empty()) return peer;  // the hub is not in the map
  const PeerTable::Entry& hub = peers_->entries().begin()->second;
  const PeerStatus way = status_of(map().peers.at(hub.id), hub);
  peer.state = way.state;
  peer.path = way.path == path::PathClass::none ? path::PathClass::none : path::PathClass::relay;
  peer.relay = hub_;
  peer.inner_mtu = way.inner_mtu;
  return peer;
}

/// Why there is no link to what goes by this name or address.
Error Wiring::not_a_peer(const std::string& peer) const {
  const auto address = IpAddress::parse(peer);
  for (const auto& [id, record] : control_->session().map().peers) {
    const bool named = record.name == peer || (address && std::ranges::count(record.addresses, *address) > 0);
    if (named && !hub_.empty()) {
      return {ErrorCode::refused, peer + " is reached through the hub " + hub_ + ", so there is no path of its own: " +
                                      "ask about " + hub_ + ", or use `weft ping --layer icmp`"};
    }
  }
  return {ErrorCode::not_found, "no peer has the name or address " + peer};
}

NetworkReport Wiring::netcheck() const {
  const Time now = host_.clock().now();
  const auto& view = addresses_->view();
  NetworkReport report{.name = self().name,
                       .udp_port = mux_->port(),
                       .v4 = addresses_->family(IpFamily::v4),
                       .v6 = addresses_->family(IpFamily::v6),
                       .nat64 = nat64_.prefix(),
                       .candidates = view.candidates,
                       .facts = view.facts,
                       .facts_age = addresses_->facts_age(),
                       .mapping = {},
                       .mapping_tried = {},
                       .relays = {},
                       .budget = {.credit = budget_.credit(now),
                                  .mappings_alive = budget_.mappings_alive(now),
                                  .search_running = budget_.search_running()},
                       .version = WEFT_VERSION};
  if (mapped_port_) {
    report.mapping = mapped_port_->view();
    if (report.mapping->tried) report.mapping_tried = now - *report.mapping->tried;
  }
  for (const auto& [id, relay] : map().relays) {
    report.relays.push_back(
        {.name = relay.name,
         .home = id == relays_->home(),
         .connected = relays_->ready(id),
         .udp = relays_->udp(id),
         .stun_rtt = relay.stun_endpoints.empty() ? std::nullopt : addresses_->round_trip(relay.stun_endpoints[0]),
         .stream_rtt = relays_->rtt(id)});
  }
  return report;
}

std::optional<std::uint64_t> Wiring::peer_by_text(const std::string& text) const {
  const auto address = IpAddress::parse(text);
  for (const auto& [id, record] : map().peers) {
    if (record.name == text) return id;
    if (address && std::ranges::find(record.addresses, *address) != record.addresses.end()) return id;
  }
  return std::nullopt;
}

Result<PeerReport> Wiring::explain(const std::string& peer) const {
  const auto id = peer_by_text(peer);
  const auto* link = id ? peers_->link_by_id(*id) : nullptr;
  if (!link) return std::unexpected(not_a_peer(peer));
  const auto status = status_of(map().peers.at(*id), peers_->entries().at(*id));
  auto told = link->explain();
  const auto proof = told.status.chosen ? carriers_->proof(*told.status.chosen, link->id()) : std::nullopt;
  if (proof) told.carried_after = proof->proven - proof->began;
  return PeerReport{.id = status.id,
                    .name = status.name,
                    .addresses = status.addresses,
                    .online = status.online,
                    .relay = status.relay,
                    .via = status.via,
                    .path = std::move(told),
                    .reason = status.reason,
                    .network = netcheck()};
}

void Wiring::ping(const std::string& peer, PingHandler handler) {
  const auto known = peer_by_text(peer);
  if (!known || !peers_->entries().contains(*known)) return handler(std::unexpected(not_a_peer(peer)));
  ping_ = std::make_unique<PendingPing>();
  ping_->peer = peer;
  ping_->handler = std::move(handler);
  ping_->until = host_.clock().now() + PendingPing::kLimit;
  const auto ask = [this] {
    const auto id = peer_by_text(ping_->peer);
    auto* target = id ? peers_->link_by_id(*id) : nullptr;
    if (!target || host_.clock().now() >= ping_->until) {
      const auto pending = std::move(ping_);
      return pending->handler(fail(ErrorCode::timeout, pending->peer + " does not answer"));
    }
    ping_->timer->arm(host_.clock().now() + PendingPing::kInterval);
    target->ping([this, id = *id](Duration rtt) {
      if (!ping_) return;
      const auto pending = std::move(ping_);
      const auto status = peers_->status(peers_->entries().at(id));
      const bool direct = status.chosen && !status.chosen->relayed();
      pending->handler(PingResult{.rtt = rtt,
                                  .path = status.path_class,
                                  .endpoint = direct ? std::optional(status.chosen->remote) : std::nullopt});
    });
  };
  ping_->timer = std::make_unique<CoreTimer>(host_, ask);
  ping_->timer->arm(host_.clock().now());
}

}  // namespace weft::agent

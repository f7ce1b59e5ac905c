// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/peer_link.h"

#include <algorithm>

#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/facts_record.h"
#include "mesh/agent/relay_links.h"
#include "mesh/io/clock.h"
#include "mesh/io/stream.h"

namespace weft::agent {
namespace {

constexpr std::uint16_t kTunnelOverhead = path::MtuProbe::kTunnelOverhead;

std::optional<PathId> through(std::uint16_t relay) {
  if (relay == 0) return std::nullopt;
  return PathId{.socket = 0, .relay = relay, .remote = {}};
}

std::vector<path::Candidate> candidates_of(const control::PeerRecord& record) {
  std::vector<path::Candidate> candidates;
  for (const auto& one : record.candidates) {
    if (!path::is_candidate_kind(one.kind)) continue;
    candidates.push_back({static_cast<path::CandidateKind>(one.kind), one.endpoint});
  }
  return candidates;
}

}  // namespace

PeerLink::PeerLink(PeerLinkContext& context, const control::PeerRecord& record, wireguard::PeerId id)
    : context_(context),
      map_id_(record.id),
      name_(record.name),
      node_key_(record.node_key),
      home_relay_(record.home_relay),
      id_(id),
      paths_({.self = context.self,
              .peer_key = path::key_id(record.node_key),
              .probe_key = [this] { return probe_key(); },
              .peer = id,
              .full_room = static_cast<std::uint16_t>(context.mtu == 0 ? 0 : context.mtu + kTunnelOverhead),
              .relay_only = context.relay_only},
             context.local, context.budget, context.random),
      device_path_(through(record.home_relay)),
      timer_(context.host, [this] {
        paths_.handle_timeout(now());
        drain();
      }) {}

PeerLink::~PeerLink() {
  set_inner_mtu(0);
  set_duplicate(std::nullopt);
}

Time PeerLink::now() const { return context_.host.clock().now(); }

crypto::SymmetricKey PeerLink::probe_key() const {
  if (const auto shared = crypto::x25519(context_.node_key, node_key_)) return path::probe_key(*shared);
  crypto::SymmetricKey nobodys;  // a low-order point is nobody's key: nothing it sends is authentic
  context_.random.fill(nobodys.mutable_bytes());
  return nobodys;
}

void PeerLink::update(const control::PeerRecord& record) {
  name_ = record.name;
  facts_ = to_facts(record.facts);
  home_relay_ = record.home_relay;
  online_ = record.online;
  paths_.handle_remote(now(), candidates_of(record), facts_);
  paths_.handle_signalling(now(), online_ && context_.can_signal());
  relay_changed();
}

bool PeerLink::is_news(const control::PeerRecord& record) const {
  return record.name != name_ || record.home_relay != home_relay_ || record.online != online_ ||
         to_facts(record.facts) != facts_ || candidates_of(record) != paths_.map_candidates();
}

void PeerLink::local_changed() {
  paths_.handle_local_change(now());
  drain();
}

void PeerLink::sockets_moved(const std::vector<std::uint16_t>& sockets) {
  paths_.handle_sockets_moved(now(), sockets);
  drain();
}

void PeerLink::stream_opened(const PathId& path) {
  if (std::ranges::find(stream_remotes_, path.remote) == stream_remotes_.end()) return;
  paths_.handle_stream(now(), path);
  drain();
}

void PeerLink::stream_candidates_changed() {
  paths_.handle_stream_candidates(now());
  drain();
}

/// The peer's home relay; until that is open, or while it owes an answer, one through which the peer was heard: there
/// it answers us without dialling.
std::optional<std::uint16_t> PeerLink::usable_relay() const {
  const RelayLinks& relays = context_.relays;
  if (relays.usable(home_relay_)) return home_relay_;
  if (relays.usable(heard_relay_)) return heard_relay_;
  if (relays.ready(home_relay_)) return home_relay_;
  if (relays.ready(heard_relay_)) return heard_relay_;
  return std::nullopt;
}

void PeerLink::relay_changed() {
  if (!paths_.idle()) context_.relays.want(home_relay_);
  paths_.handle_relay(now(), usable_relay());
  drain();
  set_device_path();
}

void PeerLink::signalling_changed() {
  paths_.handle_signalling(now(), online_ && context_.can_signal());
  drain();
}

void PeerLink::heard(const PathId& from) {
  if (from.relay == path::kSignalling) return;
  if (path::is_stream(from)) context_.on_stream_proved(from.socket);
  if (!from.relayed() && search_sockets_) search_sockets_->heard(now(), from.socket);
  const bool was_absent = std::exchange(absent_, false);
  if (path::is_by_relay(from) && from.relay != heard_relay_) {
    // Who comes by another relay than our home may know that our home is dead, before we do.
    if (heard_relay_ == context_.relays.home()) context_.relays.doubt();
    heard_relay_ = from.relay;
    relay_changed();
  }
  if (was_absent) context_.on_status(*this);
}

void PeerLink::absent(std::uint16_t relay) {
  const auto chosen = paths_.status().chosen;
  if (absent_ || relay != usable_relay() || (chosen && !path::is_by_relay(*chosen))) return;
  absent_ = true;
  context_.on_status(*this);
}

path::PathStatus PeerLink::status() const {
  auto status = paths_.status();
  const bool carried = status.chosen && path::is_carried(*status.chosen);
  if (absent_ && !carried && status.path_class == path::PathClass::relay) {
    status.path_class = path::PathClass::none;
    status.reason = "peer_absent";
  }
  return status;
}

path::PathStatus PeerLink::first_status(const PeerLinkContext& context, std::uint16_t home_relay) {
  path::PathStatus status;
  status.reason = "idle";
  status.room = static_cast<std::uint16_t>(context.mtu == 0 ? 0 : context.mtu + kTunnelOverhead);
  if (!context.relays.ready(home_relay)) return status;
  status.path_class = path::PathClass::relay;
  status.chosen = through(home_relay);
  return status;
}

void PeerLink::need() {
  if (!paths_.idle()) return paths_.handle_need(now());  // a deadline that moves back may come early
  context_.relays.want(home_relay_);
  paths_.handle_need(now());
  drain();
}

void PeerLink::data_sent(std::uint32_t datagrams) {
  if (paths_.handle_data_sent(now(), datagrams)) return drain();
  timer_.arm(paths_.next_deadline());
}

void PeerLink::largest_sent(std::size_t size) {
  if (paths_.handle_largest_sent(now(), size)) drain();
}

void PeerLink::too_big(const PathId& path, std::uint32_t mtu) {
  paths_.handle_too_big(now(), path, mtu);
  drain();
}

void PeerLink::data_received(const PathId& from, std::uint32_t datagrams) {
  heard(from);
  if (paths_.handle_data_received(now(), from, datagrams)) drain();
}

void PeerLink::stray_received() {
  if (context_.device.stats(id_).last_handshake) return;
  context_.device.initiate(now(), id_);
  context_.on_path_set();
}

void PeerLink::probe_received(const PathId& from, ByteView datagram) {
  const bool refused = paths_.handle_datagram(now(), from, datagram).has_value();
  if (!refused) heard(from);
  drain();
}

void PeerLink::send_carry(const path::Carry& carry) {
  paths_.send_carry(now(), carry);
  drain();
}

void PeerLink::carrier_bound(const PathId& path) {
  paths_.handle_carrier(now(), path);
  drain();
}

void PeerLink::carrier_gone(const PathId& path) {
  paths_.handle_carrier_gone(now(), path);
  drain();
}

void PeerLink::ping(std::function<void(Duration)> handler) {
  ping_handler_ = std::move(handler);
  need();
  paths_.handle_ping(now());
  drain();
}

void PeerLink::set_device_path() {
  const auto status = paths_.status();
  const auto path = status.chosen ? status.chosen : through(home_relay_);
  set_duplicate(status.duplicate);
  const std::size_t inner = status.room > kTunnelOverhead ? status.room - kTunnelOverhead : 0;
  set_inner_mtu(inner >= context_.mtu ? 0 : inner);
  if (path == device_path_) return;
  device_path_ = path;
  // A handshake that waits for a relay to open takes another way.
  if (path && !path::is_by_relay(*path)) {
    for (auto& datagram : context_.relays.take_waiting(node_key_)) {
      if (classify(datagram) == DatagramKind::wireguard) context_.send({*path, id_, std::move(datagram)});
    }
  }
  context_.device.set_path(now(), id_, path);
  context_.on_path_set();
}

void PeerLink::set_duplicate(const std::optional<PathId>& path) {
  context_.duplicating += (path ? 1 : 0);
  context_.duplicating -= (duplicate_ ? 1 : 0);
  duplicate_ = path;
}

void PeerLink::set_inner_mtu(std::size_t mtu) {
  context_.narrow += (mtu != 0 ? 1 : 0);
  context_.narrow -= (inner_mtu_ != 0 ? 1 : 0);
  inner_mtu_ = mtu;
}

/// Opens what a search wants: first the sample, so that the sockets' ports come right after it.
void PeerLink::serve_search() {
  while (auto need = paths_.poll_search_need()) {
    if (need->sample) {
      if (!self_) self_ = std::make_shared<PeerLink*>(this);
      context_.sample(need->family, [self = std::weak_ptr(self_)](std::uint16_t port) {
        const auto link = self.lock();
        if (!link) return;
        (*link)->paths_.handle_sample((*link)->now(), port);
        (*link)->drain();
      });
    }
    if (!search_sockets_) search_sockets_ = std::make_unique<SearchSockets>(context_.mux);
    paths_.handle_search_sockets(now(), search_sockets_->open(*need));
  }
  if (!search_sockets_ || paths_.searching()) return;
  search_sockets_->close_unused(now(), paths_.status().chosen);
  if (search_sockets_->empty()) search_sockets_.reset();
}

void PeerLink::drain() {
  serve_search();
  while (auto datagram = paths_.poll_transmit()) {
    if (datagram->path.relay == path::kSignalling) {
      context_.signal(map_id_, datagram->bytes);
    } else {
      context_.send(*datagram);
    }
  }
  bool changed = false;
  while (auto event = paths_.poll_event()) {
    if (const auto* wanted = std::get_if<path::LifetimeWanted>(&*event)) {
      context_.learn_lifetime(wanted->family);
      continue;
    }
    if (auto* wanted = std::get_if<path::StreamsWanted>(&*event)) {
      stream_remotes_ = std::move(wanted->remotes);
      context_.want_streams(stream_remotes_);
      continue;
    }
    if (const auto* heard = std::get_if<path::CarryHeard>(&*event)) {
      context_.on_carry(*this, heard->from, heard->carry);
      continue;
    }
    if (const auto* found = std::get_if<path::CarriedFound>(&*event)) {
      context_.on_carried(*this, found->path);
      continue;
    }
    changed = true;
    if (const auto* answered = std::get_if<path::PingAnswered>(&*event)) {
      if (auto handler = std::exchange(ping_handler_, nullptr)) handler(answered->rtt);
    }
  }
  if (changed) set_device_path();
  timer_.arm(paths_.next_deadline());
  if (std::exchange(was_searching_, paths_.searching()) != was_searching_) context_.on_search();
  if (changed) context_.on_status(*this);
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/peer_carriers.h"

#include <array>
#include <utility>

#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/peer_table.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"

namespace weft::agent {
namespace {

using path::CarrierAttempts;
using path::Carry;
using relay::UdpType;

constexpr std::size_t kMostHeard = 64;

bool is_direct(const path::PathStatus& status) { return status.path_class == path::PathClass::direct; }

}  // namespace

PeerCarriers::PeerCarriers(io::Host& host, DatagramMux& mux, const PeerRelayConfig& config, bool uses,
                           std::function<const control::NetworkMap&()> map)
    : host_(host), mux_(mux), uses_(uses), map_(std::move(map)), timer_(host, [this] { tick(); }) {
  if (config.offered) table_ = std::make_unique<relay::CarryTable>(host.entropy(), config.bytes_per_s);
}

Time PeerCarriers::now() const { return host_.clock().now(); }

const control::PeerRecord* PeerCarriers::record(std::uint64_t id) const {
  const auto& peers = map_().peers;
  const auto found = peers.find(id);
  return found == peers.end() ? nullptr : &found->second;
}

path::KeyId PeerCarriers::key_of(std::uint32_t peer) const {
  const auto* const entry = peers_->entry(peer);
  return entry ? path::key_id(entry->node_key) : path::KeyId{};
}

// ---- what the others tell ----

void PeerCarriers::on_status(const PeerLink& link) {
  if (!table_ && offering_.empty() && legs_.empty()) return;
  changed_.insert(link.id());
  timer_.arm(now());
}

void PeerCarriers::on_carry(const PeerLink& link, const PathId& from, const Carry& carry) {
  if (heard_.size() == kMostHeard) return;
  heard_.push_back({link.id(), from, carry});
  timer_.arm(now());
}

void PeerCarriers::on_found(const PeerLink& link, const PathId& path) {
  legs_.handle_proven(now(), path, link.id());
  arm();
}

void PeerCarriers::on_map() {
  const auto before = std::exchange(offering_, {});
  for (const auto& [id, peer] : map_().peers) note_offer(id);
  note_map(offering_ != before);
}

void PeerCarriers::on_map(std::span<const std::uint64_t> peers) {
  bool others = false;
  for (const auto id : peers) others = note_offer(id) || others;
  note_map(others);
}

/// Whether that is news.
bool PeerCarriers::note_offer(std::uint64_t id) {
  const auto* const peer = uses_ ? record(id) : nullptr;
  return peer && peer->carries ? offering_.insert(id).second : offering_.erase(id) > 0;
}

/// Carriers that are gone, or do not allow it any more; pairs of nodes that are gone; and pairs that have waited.
void PeerCarriers::note_map(bool others) {
  for (const auto carrier : legs_.carriers()) {
    const auto* const entry = peers_->entry(carrier);
    if (!entry || !offered_by(entry->id)) legs_.drop_carrier(now(), carrier);
  }
  for (const auto peer : attempts_.peers()) changed_.insert(peer);
  if (others) attempts_.handle_offers(now());
  if (others && !offering_.empty()) {
    for (const auto& [id, entry] : peers_->entries()) {
      if (entry.link) changed_.insert(entry.device_id);
    }
  }
  if (table_) {
    for (const auto node : table_->nodes()) changed_.insert(node);
  }
  drain();
}

// ---- one turn ----

void PeerCarriers::tick() {
  while (!heard_.empty()) {
    const Heard heard = heard_.front();
    heard_.pop_front();
    handle(heard);
  }
  for (const auto peer : std::exchange(changed_, {})) review(peer);
  while (const auto peer = attempts_.poll_due(now())) {
    if (auto* const link = peers_->find(*peer)) {
      attempt(*link);
    } else {
      attempts_.forget(*peer);
    }
  }
  legs_.handle_timeout(now());
  if (table_) table_->handle_timeout(now());
  drain();
}

/// What a link has become, for us as its peer's user of carriers, as a user of it as a carrier, and as its carrier.
void PeerCarriers::review(std::uint32_t peer) {
  auto* const link = peers_->find(peer);
  const auto path = link ? link->carrying_path() : std::nullopt;
  if (table_) end_pairs(peer, table_->set_path(peer, path));
  legs_.set_path(now(), peer, path);
  if (link && uses_) return review_pair(*link);
  legs_.drop_peer(now(), peer);
  attempts_.forget(peer);
}

void PeerCarriers::review_pair(PeerLink& link) {
  if (attempts_.handle_status(now(), link.id(), link.status()) == CarrierAttempts::Step::drop) {
    return legs_.drop_peer(now(), link.id());
  }
  legs_.drop_unknown(now(), link.id(), [&](const PathId& path) { return link.knows(path); });
}

void PeerCarriers::attempt(PeerLink& link) {
  const std::uint32_t peer = link.id();
  const auto step = attempts_.attempt(now(), peer, link.status());
  if (step == CarrierAttempts::Step::drop) legs_.drop_peer(now(), peer);
  const auto* const target = record(link.map_id());
  if (step != CarrierAttempts::Step::ask || !target) return;
  for (const auto id : attempts_.choose(peer, target->node_key, options(link))) {
    auto* const carrier = peers_->link_by_id(id);
    if (!carrier) continue;
    carrier->need();
    legs_.ask(now(), carrier->id(), peer, key_of(peer));
    legs_.set_path(now(), carrier->id(), carrier->carrying_path());
  }
}

/// Who is there and carries.
std::vector<CarrierAttempts::Option> PeerCarriers::options(const PeerLink& link) const {
  std::vector<CarrierAttempts::Option> options;
  for (const auto id : offering_) {
    const auto* const peer = record(id);
    if (id == link.map_id() || !peer || !peer->online || options.size() == CarrierAttempts::kMaxOptions) continue;
    CarrierAttempts::Option option{.id = id,
                                   .node_key = peer->node_key,
                                   .direct_rtt = {},
                                   .endpoint_independent = peer->facts.mapping == "endpoint_independent"};
    const auto entry = peers_->entries().find(id);
    const auto* const known = entry == peers_->entries().end() ? nullptr : entry->second.link.get();
    if (known && known->carrying_path()) option.direct_rtt = known->status().rtt.value_or(0ms);
    options.push_back(option);
  }
  return options;
}

// ---- what is said about carrying ----

void PeerCarriers::handle(const Heard& heard) {
  auto* const link = peers_->find(heard.from);
  if (!link) return;
  auto* const other = peers_->find_by_key_id(heard.carry.node);
  switch (heard.carry.kind) {
    case Carry::Kind::request:
      return handle_request(*link, heard.path, heard.carry.node);
    case Carry::Kind::bound:
      return handle_bound(*link, heard.carry.node, heard.carry.channel);
    case Carry::Kind::refused:
      if (other) legs_.handle_refused(now(), link->id(), other->id(), heard.carry.why);
      return;
    case Carry::Kind::release:
      if (!table_ || !other || !table_->bound(link->id(), other->id())) return;
      table_->release(link->id(), other->id());
      return refuse(*other, key_of(link->id()), Carry::Refusal::node_not_direct);
  }
}

/// What a peer asks costs us a packet of the budget each time.
void PeerCarriers::handle_request(PeerLink& link, const PathId& from, const path::KeyId& node) {
  if (!table_) return refuse(link, node, Carry::Refusal::not_offered);
  auto* const other = peers_->link_by_key_id(node);
  if (!other || other == &link) return refuse(link, node, Carry::Refusal::unknown_node);
  link.need();
  const auto to = other->carrying_path();
  if (table_->reach(now(), other->id(), to.has_value())) other->need();
  if (!to) return refuse(link, node, Carry::Refusal::node_not_direct);
  const auto sides = table_->bind(now(), link.id(), from, other->id(), *to);
  if (!sides) return refuse(link, node, Carry::Refusal::full);
  answer(link, node, sides->first);
  if (!sides->second.heard) answer(*other, key_of(link.id()), sides->second);
}

void PeerCarriers::answer(PeerLink& link, const path::KeyId& node, const relay::CarryTable::Side& side) {
  link.send_carry({.kind = Carry::Kind::bound, .node = node, .channel = side.channel});
}

void PeerCarriers::refuse(PeerLink& link, const path::KeyId& node, Carry::Refusal why) {
  link.send_carry({.kind = Carry::Kind::refused, .node = node, .why = why});
}

/// Unasked it comes from a carrier that the other side has found.
void PeerCarriers::handle_bound(PeerLink& link, const path::KeyId& node, std::uint32_t channel) {
  auto* const other = uses_ && offered_by(link.map_id()) ? peers_->link_by_key_id(node) : nullptr;
  if (!other || other == &link || is_direct(other->status())) return;
  legs_.handle_bound(now(), link.id(), other->id(), node, channel);
  legs_.set_path(now(), link.id(), link.carrying_path());
}

/// The way to `node` is gone: those who were bound to it need not wait for silence.
void PeerCarriers::end_pairs(std::uint32_t node, std::span<const std::uint32_t> others) {
  for (const auto other : others) {
    if (auto* const link = peers_->find(other)) refuse(*link, key_of(node), Carry::Refusal::node_not_direct);
  }
}

void PeerCarriers::drain() {
  while (const auto out = legs_.poll_transmit()) {
    auto* const link = peers_->find(out->carrier);
    if (!link) continue;
    if (out->carry.kind == Carry::Kind::request) link->need();
    link->send_carry(out->carry);
  }
  while (const auto event = legs_.poll_event()) {
    if (const auto* bound = std::get_if<path::CarrierLegs::Bound>(&*event)) {
      if (auto* const link = peers_->find(bound->peer)) link->carrier_bound(bound->path);
    } else if (const auto* gone = std::get_if<path::CarrierLegs::Gone>(&*event)) {
      if (auto* const link = peers_->find(gone->peer)) link->carrier_gone(gone->path);
    }
  }
  arm();
}

void PeerCarriers::arm() {
  auto next = earlier(legs_.next_deadline(), attempts_.next_deadline());
  if (table_) next = earlier(next, table_->next_deadline());
  if (!heard_.empty() || !changed_.empty()) next = now();
  timer_.arm(next);
}

// ---- datagrams ----

bool PeerCarriers::send(const PathId& path, std::uint32_t peer, ByteView datagram, bool dont_fragment) {
  const auto way = legs_.way(path, peer);
  if (!way) return false;
  std::array<std::uint8_t, relay::kUdpDataHeader> head;
  relay::write_data_header(head.data(), way->channel, UdpType::carry);
  mux_.send_joined(way->direct, head, datagram, dont_fragment);
  return true;
}

std::optional<path::CarrierLegs::Arrival> PeerCarriers::arrival(const PathId& from, ByteView datagram) const {
  const auto channel = relay::data_channel(datagram, UdpType::carried);
  return channel ? legs_.arrival(from, *channel) : std::nullopt;
}

/// Probes may ask how much gets through, so they are never cut to pieces on the second half of their way.
void PeerCarriers::forward(std::span<PacketSlot> slots) {
  if (!table_) return;
  table_->forward(now(), slots);
  for (PacketSlot& slot : slots) {
    if (slot.verdict != PacketVerdict::ready) continue;
    const ByteView bytes = slot.slot.bytes();
    if (classify(bytes.subspan(relay::kUdpDataHeader)) != DatagramKind::probe) continue;
    mux_.send(slot.path.socket, slot.path.remote, bytes, 0, true);
    slot.verdict = PacketVerdict::consumed;
  }
  mux_.send(slots);
}

std::string PeerCarriers::name(const PathId& path) const {
  const auto* const entry = path::is_carried(path) ? peers_->entry(legs_.carrier_of(path)) : nullptr;
  const auto* const peer = entry ? record(entry->id) : nullptr;
  return peer ? peer->name : std::string();
}

}  // namespace weft::agent

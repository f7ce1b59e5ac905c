// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/device.h"

#include <bit>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/wireguard/device_impl.h"

namespace weft::wireguard {
namespace {

void check(const DeviceConfig& config) {
  constexpr Limits kPaper;
  const Limits& limits = config.limits;
  WEFT_ASSERT(config.next_timestamp != nullptr && !config.private_key.is_zero());
  WEFT_ASSERT(std::has_single_bit(config.lanes.count));
  WEFT_ASSERT(limits.reject_after_messages <= kPaper.reject_after_messages);
  WEFT_ASSERT(limits.rekey_after_messages <= limits.reject_after_messages);
  WEFT_ASSERT(limits.reject_after_time <= kPaper.reject_after_time && limits.rekey_timeout > Duration(0));
  WEFT_ASSERT(limits.rekey_after_time + limits.keepalive_timeout + limits.rekey_timeout <= limits.reject_after_time);
}

}  // namespace

Device::Impl::Impl(DeviceConfig config, Random& random, Entropy& entropy)
    : lane({.mtu = config.mtu, .limits = config.limits, .number = 0, .count = config.lanes.count}, router, counters,
           *this),
      shared{.identity = {config.private_key, config.private_key.public_key()},
             .config = std::move(config),
             .random = random,
             .entropy = entropy,
             .counters = counters,
             .lanes = Lanes(lane, shared.config.lanes),
             .indices = IndexTable(random),
             .outgoing = {},
             .events = {}},
      cookies(shared.identity.public_key, entropy) {}

Device::Impl::Known* Device::Impl::find(PeerId id) {
  const auto found = peers.find(id);
  return found == peers.end() ? nullptr : &found->second;
}

const Device::Impl::Known* Device::Impl::find(PeerId id) const {
  const auto found = peers.find(id);
  return found == peers.end() ? nullptr : &found->second;
}

Device::Impl::Known* Device::Impl::find(const crypto::PublicKey& key) const {
  const auto found = by_key.find(key);
  return found == by_key.end() ? nullptr : *found;
}

Peer& Device::Impl::wake(Time now, Known& known) {
  if (!known.live) known.live = std::make_unique<Peer>(now, known.facts, shared);
  return *known.live;
}

void Device::Impl::let_rest(Time now, Known& known) {
  if (known.live && known.live->resting(now)) known.live.reset();
}

Device::Device(DeviceConfig config, Random& random, Entropy& entropy) {
  check(config);
  impl_ = std::make_unique<Impl>(std::move(config), random, entropy);
}

Device::~Device() = default;

const crypto::PublicKey& Device::public_key() const { return impl_->shared.identity.public_key; }

Result<PeerId> Device::add_peer(Time now, const PeerConfig& config) {
  if (config.public_key.is_zero()) return fail(ErrorCode::usage, "a peer needs a public key that is not zero");
  if (config.public_key == public_key())
    return fail(ErrorCode::usage, "a peer cannot have this device's own public key");
  if (find_peer(config.public_key)) {
    return fail(ErrorCode::refused, "a peer with the public key " + config.public_key.to_base64() + " exists already");
  }
  const PeerId id = ++impl_->last_id;
  Impl::Known& known = impl_->peers.emplace(id, Impl::Known{PeerFacts(id, config), nullptr}).first->second;
  impl_->by_key.insert(&known);
  set_allowed_ips(id, config.allowed_ips);
  if (config.persistent_keepalive > Duration(0)) impl_->reschedule(impl_->wake(now, known));
  return id;
}

void Device::remove_peer(PeerId id) {
  Impl::Known* const known = impl_->find(id);
  if (known == nullptr) return;
  impl_->by_key.erase(known);
  impl_->router.allowed_ips.remove_peer(id);
  impl_->router_changed = true;
  impl_->shared.lanes.remove(id);
  impl_->lane.bury();
  impl_->wakes.remove(id);
  impl_->peers.erase(id);
  erase_if(impl_->shared.outgoing, [id](const OutgoingDatagram& datagram) { return datagram.peer == id; });
}

std::optional<PeerId> Device::peer_for(const IpAddress& destination) const {
  return impl_->router.allowed_ips.lookup(destination);
}

std::optional<PeerId> Device::find_peer(const crypto::PublicKey& public_key) const {
  const Impl::Known* const known = impl_->find(public_key);
  if (known == nullptr) return std::nullopt;
  return known->facts.id;
}

void Device::set_path(Time now, PeerId id, std::optional<PathId> path) {
  Impl::Known* const known = impl_->find(id);
  if (known == nullptr) return;
  if (!known->live) {
    known->facts.path = path;
    return;
  }
  known->live->set_path(now, path);
  impl_->reschedule(*known->live);
}

void Device::set_allowed_ips(PeerId id, std::span<const Prefix> prefixes) {
  if (impl_->find(id) == nullptr) return;
  impl_->router.allowed_ips.remove_peer(id);
  impl_->router_changed = true;
  for (const Prefix& prefix : prefixes) impl_->router.allowed_ips.insert(prefix, id);
}

void Device::set_under_load(bool forced) { impl_->load_forced = forced; }

void Device::initiate(Time now, PeerId id) {
  Impl::Known* const known = impl_->find(id);
  if (known == nullptr) return;
  Peer& peer = impl_->wake(now, *known);
  peer.initiate(now);
  impl_->reschedule(peer);
}

void Device::seal(Time now, std::span<PacketSlot> slots) {
  for (; !slots.empty(); slots = slots.subspan(std::min(slots.size(), kMaxBatch))) {
    impl_->lane.seal(now, slots.first(std::min(slots.size(), kMaxBatch)));
  }
}

void Device::open(Time now, std::span<PacketSlot> slots) {
  for (; !slots.empty(); slots = slots.subspan(std::min(slots.size(), kMaxBatch))) {
    impl_->lane.open(now, slots.first(std::min(slots.size(), kMaxBatch)));
  }
}

void Device::handle_note(Time now, const LaneNote& note) { impl_->handle_note(now, note); }

void Device::handle_timeout(Time now) {
  while (const auto id = impl_->wakes.pop_due(now)) {
    Impl::Known& known = *impl_->find(*id);
    known.live->handle_timeout(now);
    impl_->reschedule(*known.live);
    Impl::let_rest(now, known);
  }
  impl_->lane.bury();
}

std::optional<Time> Device::next_deadline() const { return impl_->wakes.next(); }

std::optional<OutgoingDatagram> Device::poll_transmit() {
  if (std::exchange(impl_->router_changed, false)) impl_->shared.lanes.publish(impl_->router);
  auto& queue = impl_->shared.outgoing;
  if (queue.empty()) return std::nullopt;
  OutgoingDatagram datagram = std::move(queue.front());
  queue.pop_front();
  return datagram;
}

std::optional<Event> Device::poll_event() {
  auto& queue = impl_->shared.events;
  if (queue.empty()) return std::nullopt;
  const Event event = queue.front();
  queue.pop_front();
  return event;
}

PeerStats Device::stats(PeerId id) const {
  const Impl::Known* const known = impl_->find(id);
  if (known == nullptr) return {};
  const PeerFacts& facts = known->facts;
  const bool has_session = known->live && known->live->has_session();
  return {facts.rx_bytes, facts.tx_bytes, facts.last_handshake, has_session, facts.path};
}

const DeviceCounters& Device::counters() const { return impl_->counters; }

}  // namespace weft::wireguard

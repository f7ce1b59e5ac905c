// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/device.h"

#include "mesh/base/assert.h"
#include "mesh/wireguard/device_impl.h"

namespace weft::wireguard {
namespace {

void check(const DeviceConfig& config) {
  constexpr Limits kPaper;
  const Limits& limits = config.limits;
  WEFT_ASSERT(config.next_timestamp != nullptr && !config.private_key.is_zero());
  WEFT_ASSERT(limits.reject_after_messages <= kPaper.reject_after_messages);
  WEFT_ASSERT(limits.rekey_after_messages <= limits.reject_after_messages);
  WEFT_ASSERT(limits.reject_after_time <= kPaper.reject_after_time && limits.rekey_timeout > Duration(0));
  WEFT_ASSERT(limits.rekey_after_time + limits.keepalive_timeout + limits.rekey_timeout <= limits.reject_after_time);
}

}  // namespace

Device::Impl::Impl(DeviceConfig config, Random& random, Entropy& entropy)
    : shared{.identity = {config.private_key, config.private_key.public_key()},
             .config = std::move(config),
             .random = random,
             .entropy = entropy,
             .indices = IndexTable(random),
             .outgoing = {},
             .events = {},
             .counters = {}},
      cookies(shared.identity.public_key, entropy) {}

Peer* Device::Impl::peer(PeerId id) const {
  const auto found = peers.find(id);
  return found == peers.end() ? nullptr : found->second.get();
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
  auto& peer = *impl_->peers.emplace(id, std::make_unique<Peer>(now, id, config, impl_->shared)).first->second;
  impl_->by_key.emplace(config.public_key, id);
  set_allowed_ips(id, config.allowed_ips);
  impl_->reschedule(peer);
  return id;
}

void Device::remove_peer(PeerId id) {
  Peer* const peer = impl_->peer(id);
  if (peer == nullptr) return;
  impl_->by_key.erase(peer->public_key());
  impl_->allowed_ips.remove_peer(id);
  impl_->wakes.remove(id);
  impl_->peers.erase(id);
  impl_->shared.indices.bury();
  std::erase_if(impl_->shared.outgoing, [id](const OutgoingDatagram& datagram) { return datagram.peer == id; });
}

std::optional<PeerId> Device::find_peer(const crypto::PublicKey& public_key) const {
  const auto found = impl_->by_key.find(public_key);
  if (found == impl_->by_key.end()) return std::nullopt;
  return found->second;
}

void Device::set_path(Time now, PeerId id, std::optional<PathId> path) {
  Peer* const peer = impl_->peer(id);
  if (peer == nullptr) return;
  peer->set_path(now, path);
  impl_->reschedule(*peer);
}

void Device::set_allowed_ips(PeerId id, std::span<const Prefix> prefixes) {
  if (impl_->peer(id) == nullptr) return;
  impl_->allowed_ips.remove_peer(id);
  for (const Prefix& prefix : prefixes) impl_->allowed_ips.insert(prefix, id);
}

void Device::set_under_load(bool forced) { impl_->load_forced = forced; }

void Device::initiate(Time now, PeerId id) {
  Peer* const peer = impl_->peer(id);
  if (peer == nullptr) return;
  peer->initiate(now);
  impl_->reschedule(*peer);
}

void Device::seal(Time now, std::span<PacketSlot> slots) {
  for (; !slots.empty(); slots = slots.subspan(std::min(slots.size(), kMaxBatch))) {
    impl_->seal(now, slots.first(std::min(slots.size(), kMaxBatch)));
  }
}

void Device::open(Time now, std::span<PacketSlot> slots) {
  for (; !slots.empty(); slots = slots.subspan(std::min(slots.size(), kMaxBatch))) {
    impl_->open(now, slots.first(std::min(slots.size(), kMaxBatch)));
  }
}

void Device::handle_timeout(Time now) {
  while (const auto id = impl_->wakes.pop_due(now)) {
    Peer* const peer = impl_->peer(*id);
    peer->handle_timeout(now);
    impl_->reschedule(*peer);
  }
  impl_->shared.indices.bury();
}

std::optional<Time> Device::next_deadline() const { return impl_->wakes.next(); }

std::optional<OutgoingDatagram> Device::poll_transmit() {
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
  const Peer* const peer = impl_->peer(id);
  return peer == nullptr ? PeerStats{} : peer->stats();
}

const DeviceCounters& Device::counters() const { return impl_->shared.counters; }

}  // namespace weft::wireguard

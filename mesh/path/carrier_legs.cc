// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/carrier_legs.h"

#include <algorithm>

#include "mesh/base/deadlines.h"

namespace weft::path {

// ---- what begins ----

/// Numbers are not used again soon: somebody may remember a path by its number.
std::uint16_t CarrierLegs::free_number() {
  const auto used = [this](std::uint16_t number) {
    return std::ranges::any_of(carriers_, [&](const auto& entry) { return entry.second.number == number; });
  };
  do {
    next_ = next_ == kLastCarrier ? kFirstCarrier : static_cast<std::uint16_t>(next_ + 1);
  } while (used(next_));
  return next_;
}

CarrierLegs::Leg* CarrierLegs::make(Time now, Key key, const KeyId& node, bool asked) {
  if (legs_.size() == kMaxLegs || legs_of(key.peer) == kMaxOfPeer) return nullptr;
  const auto ours = std::ranges::count_if(
      legs_, [&](const auto& entry) { return entry.first.peer == key.peer && entry.second.asked; });
  if (asked && static_cast<std::size_t>(ours) == kMaxAsked) return nullptr;
  const auto carrier = carriers_.find(key.carrier);
  if (carrier == carriers_.end() || carrier->second.number == 0) {
    const std::uint16_t number = free_number();
    carriers_[key.carrier].number = number;
  }
  ++carriers_[key.carrier].legs;
  Leg& leg = legs_[key];
  leg.node = node;
  leg.asked = asked;
  leg.began = leg.next = now;
  return &leg;
}

void CarrierLegs::ask(Time now, std::uint32_t carrier, std::uint32_t peer, const KeyId& node) {
  const Key key{peer, carrier};
  if (legs_.contains(key) || make(now, key, node, true) == nullptr) return;
  handle_timeout(now);
}

void CarrierLegs::handle_bound(Time now, std::uint32_t carrier, std::uint32_t peer, const KeyId& node,
                               std::uint32_t channel) {
  const Key key{peer, carrier};
  const auto known = legs_.find(key);
  Leg* const leg = known != legs_.end() ? &known->second : make(now, key, node, false);
  if (leg == nullptr) return;
  const bool fresh = leg->channel != channel;
  leg->channel = channel;
  // The carrier learns our path from a request, and an unasked channel is new to us: so it is asked for at once.
  if (fresh && !leg->asked) request(now, key, *leg);
  if (!leg->proven || fresh) events_.push_back(Bound{peer, path_of(carrier)});
}

void CarrierLegs::handle_proven(Time now, const PathId& path, std::uint32_t peer) {
  const auto at = legs_.find({peer, carrier_of(path)});
  if (at == legs_.end()) return;
  Leg& leg = at->second;
  if (!leg.proven) leg.proven = now;
  leg.next = now + kRefresh;
}

// ---- what ends ----

CarrierLegs::Legs::iterator CarrierLegs::end(Legs::iterator at) {
  const auto& [key, leg] = *at;
  const auto carrier = carriers_.find(key.carrier);
  if (leg.channel != 0) events_.push_back(Gone{key.peer, path_of(key.carrier), leg.proven.has_value()});
  if (--carrier->second.legs == 0) carriers_.erase(carrier);
  return legs_.erase(at);
}

CarrierLegs::Legs::iterator CarrierLegs::release(Legs::iterator at) {
  outbox_.push_back({at->first.carrier, {.kind = Carry::Kind::release, .node = at->second.node}});
  return end(at);
}

/// The carrier may yet find a way to the peer, so it is asked again then.
void CarrierLegs::handle_refused(Time, std::uint32_t carrier, std::uint32_t peer, Carry::Refusal why) {
  const auto at = legs_.find({peer, carrier});
  if (at == legs_.end()) return;
  if (why == Carry::Refusal::node_not_direct && !at->second.proven) return;
  end(at);
}

void CarrierLegs::set_path(Time now, std::uint32_t carrier, const std::optional<PathId>& path) {
  const auto found = carriers_.find(carrier);
  if (found == carriers_.end() || found->second.path == path) return;
  found->second.path = path;
  for (auto at = legs_.begin(); at != legs_.end();) {
    auto& [key, leg] = *at;
    const bool lost = key.carrier == carrier && !path && leg.channel != 0;
    if (key.carrier == carrier) leg.next = now;  // the carrier knows us by our path
    at = lost ? end(at) : std::next(at);
  }
  handle_timeout(now);
}

void CarrierLegs::drop_peer(Time, std::uint32_t peer) {
  for (auto at = legs_.begin(); at != legs_.end();) {
    at = at->first.peer == peer ? release(at) : std::next(at);
  }
}

void CarrierLegs::drop_unknown(Time, std::uint32_t peer, const std::function<bool(const PathId&)>& knows) {
  for (auto at = legs_.begin(); at != legs_.end();) {
    const auto& [key, leg] = *at;
    const bool lost = key.peer == peer && leg.proven && !knows(path_of(key.carrier));
    at = lost ? release(at) : std::next(at);
  }
}

void CarrierLegs::drop_carrier(Time, std::uint32_t carrier) {
  for (auto at = legs_.begin(); at != legs_.end();) at = at->first.carrier == carrier ? end(at) : std::next(at);
}

// ---- what is due ----

void CarrierLegs::request(Time now, const Key& key, Leg& leg) {
  leg.next = now + (leg.proven ? kRefresh : kRetry);
  if (!carriers_.at(key.carrier).path) return;
  outbox_.push_back({key.carrier, {.kind = Carry::Kind::request, .node = leg.node}});
}

void CarrierLegs::handle_timeout(Time now) {
  for (auto at = legs_.begin(); at != legs_.end();) {
    auto& [key, leg] = *at;
    if (!leg.proven && now >= leg.began + kPatience) {
      at = release(at);
      continue;
    }
    if (leg.next <= now) request(now, key, leg);
    ++at;
  }
}

std::optional<Time> CarrierLegs::next_deadline() const {
  std::optional<Time> next;
  for (const auto& [key, leg] : legs_) {
    next = earlier(next, leg.next);
    if (!leg.proven) next = earlier(next, leg.began + kPatience);
  }
  return next;
}

std::optional<CarrierLegs::Outgoing> CarrierLegs::poll_transmit() {
  if (outbox_.empty()) return std::nullopt;
  const Outgoing out = outbox_.front();
  outbox_.pop_front();
  return out;
}

std::optional<CarrierLegs::Event> CarrierLegs::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

// ---- what is where ----

PathId CarrierLegs::path_of(std::uint32_t carrier) const {
  return {.socket = 0, .relay = carriers_.at(carrier).number, .remote = {}};
}

std::uint32_t CarrierLegs::carrier_of(const PathId& path) const {
  const auto found =
      std::ranges::find_if(carriers_, [&](const auto& entry) { return entry.second.number == path.relay; });
  return found == carriers_.end() ? 0 : found->first;
}

std::optional<CarrierLegs::Way> CarrierLegs::way(const PathId& path, std::uint32_t peer) const {
  const std::uint32_t carrier = carrier_of(path);
  const auto leg = legs_.find({peer, carrier});
  if (leg == legs_.end() || leg->second.channel == 0) return std::nullopt;
  const auto& direct = carriers_.at(carrier).path;
  return direct ? std::optional(Way{leg->second.channel, *direct}) : std::nullopt;
}

/// The carrier may send by another of our direct paths than we to it, so its address alone has to be right, and that
/// only if both are of one family.
std::optional<CarrierLegs::Arrival> CarrierLegs::arrival(const PathId& from, std::uint32_t channel) const {
  for (const auto& [key, leg] : legs_) {
    if (leg.channel != channel) continue;
    const auto& path = carriers_.at(key.carrier).path;
    const bool same_family = path && path->remote.address.family() == from.remote.address.family();
    if (same_family && path->remote.address != from.remote.address) continue;
    return Arrival{key.peer, path_of(key.carrier)};
  }
  return std::nullopt;
}

std::optional<CarrierLegs::Proof> CarrierLegs::proof(const PathId& path, std::uint32_t peer) const {
  const auto at = legs_.find({peer, carrier_of(path)});
  if (at == legs_.end() || !at->second.proven) return std::nullopt;
  return Proof{at->second.began, *at->second.proven};
}

std::size_t CarrierLegs::legs_of(std::uint32_t peer) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(legs_, [&](const auto& entry) { return entry.first.peer == peer; }));
}

std::vector<std::uint32_t> CarrierLegs::carriers() const {
  std::vector<std::uint32_t> list;
  for (const auto& [carrier, entry] : carriers_) list.push_back(carrier);
  return list;
}

}  // namespace weft::path

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/relay_links.h"

#include <algorithm>

#include "mesh/io/clock.h"
#include "mesh/io/stream.h"

namespace weft::agent {
namespace {

constexpr Duration kTick = 1s;

}  // namespace

RelayLinks::RelayLinks(RelayLinkContext context)
    : context_(std::move(context)), timer_(context_.host, [this] { tick(); }) {
  context_.on_state = [this, told = std::move(context_.on_state)](std::uint16_t relay) {
    timer_.arm(context_.host.clock().now() + kTick);
    watch_home();
    told(relay);
  };
}

RelayLink* RelayLinks::find(std::uint16_t relay) const {
  const auto found = links_.find(relay);
  return found == links_.end() ? nullptr : found->second.get();
}

void RelayLinks::set_relays(const std::map<std::uint16_t, control::RelayRecord>& relays) {
  if (relays == relays_) return;
  relays_ = relays;
  std::erase_if(links_, [&](const auto& entry) {
    const auto found = relays_.find(entry.first);
    return found == relays_.end() || found->second != entry.second->record();
  });
  if (home_ == 0 || !relays_.contains(home_)) {
    choose_home(home_);
  } else {
    want(home_);
  }
  want_few();
}

void RelayLinks::want_few() {
  if (!few()) return;
  for (const auto& [id, relay] : relays_) {
    if (find(id) == nullptr) want(id);
  }
}

void RelayLinks::set_admission(Bytes admission) {
  const bool first = context_.admission.empty();
  context_.admission = std::move(admission);
  for (const auto& [id, link] : links_) link->renew_admission();
  if (!first) return;
  choose_home(0);
  want_few();
}

/// In the order of the map, which has one at least.
std::uint16_t RelayLinks::next_after(std::uint16_t relay) const {
  const auto next = relays_.upper_bound(relay);
  return next == relays_.end() ? relays_.begin()->first : next->first;
}

void RelayLinks::choose_home(std::uint16_t after) {
  if (relays_.empty() || context_.admission.empty()) return;
  set_home(next_after(after));
}

void RelayLinks::set_home(std::uint16_t relay) {
  const std::uint16_t before = std::exchange(home_, relay);
  preferred_ = 0;
  rescue_ = false;
  home_was_ready_ = ready(home_);
  home_lost_.reset();
  want(home_);
  timer_.arm(context_.host.clock().now() + kTick);
  if (before != home_ && on_home) on_home();
}

/// Make before break: peers hear of the new home when it is open, and the old one stays open while they still use it.
void RelayLinks::prefer(std::uint16_t relay) {
  if (relay == home_ || !relays_.contains(relay)) return;
  preferred_ = relay;
  preferred_since_ = context_.host.clock().now();
  rescue_ = false;
  want(relay);
  if (usable(relay)) set_home(relay);
}

/// A home relay that owes an answer, or is gone, is not given up before another one is open; one that comes back stays.
/// One that was never open is given kHomePatience.
void RelayLinks::watch_home() {
  const Time now = context_.host.clock().now();
  if (preferred_ != 0 && usable(preferred_)) set_home(preferred_);
  if (usable(home_)) {
    home_was_ready_ = true;
    home_lost_.reset();
    if (std::exchange(rescue_, false)) preferred_ = 0;
    return;
  }
  if (!home_lost_) home_lost_ = now;
  if (relays_.size() < 2 || (!home_was_ready_ && now - *home_lost_ < kHomePatience)) return;
  if (preferred_ != 0 && now - preferred_since_ < kHomePatience) return;
  const std::uint16_t next = next_after(preferred_ == 0 ? home_ : preferred_);
  prefer(next == home_ ? next_after(home_) : next);
  rescue_ = preferred_ != 0;
}

void RelayLinks::want(std::uint16_t relay) {
  const auto record = relays_.find(relay);
  if (record == relays_.end() || context_.admission.empty()) return;
  if (auto* open = find(relay)) return open->use();
  if (links_.size() >= kMaxOpen) {
    auto oldest = links_.end();
    for (auto it = links_.begin(); it != links_.end(); ++it) {
      if (it->first == home_) continue;
      if (oldest == links_.end() || it->second->last_used() < oldest->second->last_used()) oldest = it;
    }
    if (oldest != links_.end()) {
      retired_.push_back(std::move(oldest->second));  // it may be the caller
      links_.erase(oldest);
    }
  }
  links_.emplace(relay, std::make_unique<RelayLink>(context_, record->second));
  timer_.arm(context_.host.clock().now() + kTick);
}

bool RelayLinks::send(std::uint16_t relay, const crypto::PublicKey& to, ByteView datagram, bool sized) {
  want(relay);
  auto* link = find(relay);
  return link && link->send(to, datagram, sized);
}

std::vector<Bytes> RelayLinks::take_waiting(const crypto::PublicKey& to) {
  std::vector<Bytes> all;
  for (const auto& [id, link] : links_) {
    for (auto& datagram : link->take_waiting(to)) all.push_back(std::move(datagram));
  }
  return all;
}

bool RelayLinks::ready(std::uint16_t relay) const {
  const auto* link = find(relay);
  return link && link->ready();
}

bool RelayLinks::dial_back(const relay::DialRequest& request) {
  auto* link = find(home_);
  return link && link->dial_back(request);
}

bool RelayLinks::usable(std::uint16_t relay) const {
  const auto* link = find(relay);
  return link && link->ready() && !link->overdue();
}

std::optional<Duration> RelayLinks::rtt(std::uint16_t relay) const {
  const auto* link = find(relay);
  return link ? link->rtt() : std::nullopt;
}

bool RelayLinks::udp(std::uint16_t relay) const {
  const auto* link = find(relay);
  return link && link->ready() && link->udp();
}

std::optional<RelayLinks::UdpReceived> RelayLinks::handle_udp(const Endpoint& from, ByteView datagram) {
  for (const auto& [id, link] : links_) {
    if (!link->udp_from(from)) continue;
    const auto received = link->handle_udp(from, datagram);
    if (!received) return std::nullopt;
    return UdpReceived{id, received->from, received->datagram};
  }
  return std::nullopt;
}

std::string RelayLinks::name(std::uint16_t relay) const {
  const auto found = relays_.find(relay);
  return found == relays_.end() ? std::string() : found->second.name;
}

void RelayLinks::network_changed() {
  for (const auto& [id, link] : links_) link->network_changed();
}

void RelayLinks::doubt() {
  for (const auto& [id, link] : links_) link->doubt();
}

void RelayLinks::close_idle() {
  if (few()) return;
  const Time now = context_.host.clock().now();
  std::erase_if(links_,
                [&](const auto& entry) { return entry.first != home_ && now - entry.second->last_used() >= kIdle; });
}

/// Each second while anything is open that may have to be closed, or the home relay is not ready.
void RelayLinks::tick() {
  const Time now = context_.host.clock().now();
  retired_.clear();
  close_idle();
  watch_home();
  const bool busy = (links_.size() > 1 && !few()) || (home_ != 0 && !ready(home_));
  timer_.arm(busy ? std::optional(now + kTick) : std::nullopt);
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/carry_table.h"

#include <algorithm>
#include <array>

#include "mesh/base/deadlines.h"

namespace weft::relay {

std::size_t CarryTable::pairs_of(std::uint32_t node) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      pairs_, [&](const auto& entry) { return entry.first.first == node || entry.first.second == node; }));
}

/// Random, since a channel and an address are all that a datagram shows.
UdpChannel CarryTable::draw(End& from, End& to) {
  std::array<std::uint8_t, 4> bytes;
  UdpChannel number = 0;
  do {
    entropy_.fill(bytes);
    number = load_u32be(bytes.data());
  } while (number == 0 || channels_.contains(number));
  channels_[number] = {&from, &to};
  return number;
}

bool CarryTable::reach(Time now, std::uint32_t node, bool direct) {
  Time& last = reached_[node];
  if (direct && now < last + kReachAgain) return false;
  last = now;
  return true;
}

std::optional<std::pair<CarryTable::Side, CarryTable::Side>> CarryTable::bind(Time now, std::uint32_t node,
                                                                              const PathId& from, std::uint32_t other,
                                                                              const PathId& to) {
  const Key key = key_of(node, other);
  auto at = pairs_.find(key);
  if (at == pairs_.end()) {
    if (pairs_.size() == kMaxPairs || pairs_of(node) == kMaxPairsOfNode || pairs_of(other) == kMaxPairsOfNode)
      return std::nullopt;
    at = pairs_.try_emplace(key).first;
    auto& [a, b] = at->second;
    a.node = key.first;
    b.node = key.second;
    a.channel = draw(a, b);
    b.channel = draw(b, a);
    End& far = a.node == other ? a : b;
    far.from = far.to = to;
    far.asked = now;  // it has as long to ask by itself
  }
  auto& [a, b] = at->second;
  End& near = a.node == node ? a : b;
  End& far = a.node == node ? b : a;
  near.from = near.to = from;
  near.asked = now;
  near.heard = true;
  far.to = to;
  const auto side = [](const End& end) { return Side{.node = end.node, .channel = end.channel, .heard = end.heard}; };
  return std::pair{side(near), side(far)};
}

bool CarryTable::bound(std::uint32_t node, std::uint32_t other) const { return pairs_.contains(key_of(node, other)); }

void CarryTable::erase(std::map<Key, Pair>::iterator at) {
  for (const End* const end : {&at->second.first, &at->second.second}) channels_.erase(end->channel);
  pairs_.erase(at);
}

void CarryTable::release(std::uint32_t node, std::uint32_t other) {
  if (const auto at = pairs_.find(key_of(node, other)); at != pairs_.end()) erase(at);
}

std::vector<std::uint32_t> CarryTable::set_path(std::uint32_t node, const std::optional<PathId>& path) {
  std::vector<std::uint32_t> lost;
  for (auto at = pairs_.begin(); at != pairs_.end();) {
    const auto here = at++;
    auto& [a, b] = here->second;
    if (a.node != node && b.node != node) continue;
    if (path) {
      (a.node == node ? a : b).to = *path;
    } else {
      lost.push_back(a.node == node ? b.node : a.node);
      erase(here);
    }
  }
  return lost;
}

std::set<std::uint32_t> CarryTable::nodes() const {
  std::set<std::uint32_t> nodes;
  for (const auto& [key, pair] : pairs_) nodes.insert({key.first, key.second});
  return nodes;
}

Time CarryTable::ends(const Pair& pair) const { return std::min(pair.first.asked, pair.second.asked) + kLife; }

void CarryTable::handle_timeout(Time now) {
  for (auto at = pairs_.begin(); at != pairs_.end();) {
    const auto here = at++;
    if (ends(here->second) <= now) erase(here);
  }
}

std::optional<Time> CarryTable::next_deadline() const {
  std::optional<Time> next;
  for (const auto& [key, pair] : pairs_) next = earlier(next, ends(pair));
  return next;
}

bool CarryTable::allow(Time now, std::size_t bytes) {
  if (rate_ == 0) return true;
  const double most =
      std::max(static_cast<double>(kLeastBurst), static_cast<double>(rate_) * to_seconds(Duration(kBurst)));
  credit_ = credit_at_ ? std::min(most, credit_ + static_cast<double>(rate_) * to_seconds(now - *credit_at_)) : most;
  credit_at_ = now;
  if (credit_ < static_cast<double>(bytes)) return false;
  credit_ -= static_cast<double>(bytes);
  return true;
}

void CarryTable::forward(Time now, std::span<PacketSlot> slots) {
  for (PacketSlot& slot : slots) {
    const auto number = data_channel(slot.slot.bytes(), UdpType::carry);
    const auto way = number ? channels_.find(*number) : channels_.end();
    if (way == channels_.end() || way->second.from->from != slot.path) {
      slot.verdict = PacketVerdict::no_peer;
      ++counters_.unbound;
      continue;
    }
    const std::size_t size = slot.slot.length - kUdpDataHeader;
    if (!allow(now, size)) {
      slot.verdict = PacketVerdict::overflow;
      ++counters_.over_rate;
      continue;
    }
    const End& to = *way->second.to;
    write_data_header(slot.slot.data(), to.channel, UdpType::carried);
    slot.path = to.to;
    slot.peer = to.node;
    slot.verdict = PacketVerdict::ready;
    ++counters_.packets;
    counters_.bytes += size;
  }
}

}  // namespace weft::relay

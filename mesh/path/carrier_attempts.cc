// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/carrier_attempts.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "mesh/base/bytes.h"
#include "mesh/base/deadlines.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/path/carrier_legs.h"

namespace weft::path {
namespace {

bool is_settled(const PathStatus& status) { return status.state == SearchState::settled; }
/// There is no way at all.
bool is_stranded(const PathStatus& status) { return status.path_class == PathClass::none; }

std::uint64_t draw(const crypto::PublicKey& peer, const crypto::PublicKey& carrier, unsigned attempt) {
  const std::array<std::uint8_t, 1> round{static_cast<std::uint8_t>(attempt)};
  return load_u64le(crypto::blake2s({peer.bytes(), carrier.bytes(), round}).data());
}

}  // namespace

// ---- when ----

CarrierAttempts::Step CarrierAttempts::handle_status(Time now, std::uint32_t peer, const PathStatus& status) {
  if (status.path_class == PathClass::direct || status.state == SearchState::idle) {
    pairs_.erase(peer);
    return Step::drop;
  }
  if (!is_settled(status) && !is_stranded(status)) return Step::none;
  const auto known = pairs_.find(peer);
  if (known == pairs_.end()) {
    pairs_.emplace(peer, Pair{.at = now + (is_settled(status) ? Duration{0} : kStrandedFor)});
  } else if (is_stranded(status) && !known->second.trying && known->second.tried) {
    Pair& pair = known->second;
    pair.at = std::min(pair.at, std::max(now, *pair.tried + kStrandedAgain));
  }
  return Step::none;
}

void CarrierAttempts::handle_offers(Time now) {
  for (auto& [peer, pair] : pairs_) {
    if (!pair.trying) pair.at = now;
  }
}

std::optional<std::uint32_t> CarrierAttempts::poll_due(Time now) const {
  const auto due = std::ranges::find_if(pairs_, [now](const auto& entry) { return entry.second.at <= now; });
  return due == pairs_.end() ? std::nullopt : std::optional(due->first);
}

CarrierAttempts::Step CarrierAttempts::attempt(Time now, std::uint32_t peer, const PathStatus& status) {
  const auto found = pairs_.find(peer);
  if (found == pairs_.end()) return Step::none;
  Pair& pair = found->second;
  if (status.chosen && is_carried(*status.chosen)) {
    pair = {.at = now + kTrial, .tried = now};
    return Step::none;
  }
  pair.tried = now;
  if (std::exchange(pair.trying, false)) {
    pair.at = now + (is_stranded(status) ? Duration(kStrandedAgain) : pair.again);
    pair.again = std::min<Duration>(2 * pair.again, kLongestAgain);
    return Step::drop;
  }
  pair.at = now + kTrial;
  if (!is_settled(status) && !is_stranded(status)) return Step::none;
  pair.trying = true;
  ++pair.attempts;
  return Step::ask;
}

std::optional<Time> CarrierAttempts::next_deadline() const {
  std::optional<Time> next;
  for (const auto& [peer, pair] : pairs_) next = earlier(next, pair.at);
  return next;
}

std::vector<std::uint32_t> CarrierAttempts::peers() const {
  std::vector<std::uint32_t> list;
  for (const auto& [peer, pair] : pairs_) list.push_back(peer);
  return list;
}

// ---- which ----

std::vector<std::uint64_t> CarrierAttempts::choose(std::uint32_t peer, const crypto::PublicKey& node_key,
                                                   std::span<const Option> options) const {
  struct Ranked {
    int rank = 0;
    Duration rtt{0};
    std::uint64_t lot = 0;
    std::uint64_t id = 0;
    auto key() const { return std::tuple(rank, rtt, lot, id); }
  };
  const auto pair = pairs_.find(peer);
  if (pair == pairs_.end() || !pair->second.trying) return {};
  const unsigned before = pair->second.attempts - 1;
  std::vector<Ranked> ranked;
  for (const Option& option : options.first(std::min(options.size(), kMaxOptions))) {
    const int without_path = option.endpoint_independent ? 1 : 2;
    ranked.push_back({.rank = option.direct_rtt ? 0 : without_path,
                      .rtt = option.direct_rtt.value_or(Duration{0}),
                      .lot = draw(node_key, option.node_key, before),
                      .id = option.id});
  }
  std::ranges::sort(ranked, {}, &Ranked::key);
  std::vector<std::uint64_t> ids;
  for (const auto& one : ranked) {
    if (ids.size() < CarrierLegs::kMaxAsked) ids.push_back(one.id);
  }
  return ids;
}

}  // namespace weft::path

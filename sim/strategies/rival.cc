// SPDX-License-Identifier: GPL-2.0-only
#include "sim/strategies/rival.h"

namespace weft::strategies {

void Rival::shoot(Time at, const Endpoint& to, std::uint16_t socket, bool noise) {
  shots_.emplace(at, Shot{socket, to, noise});
}

void Rival::handle_timeout(Time now) {
  if (!wake_ || *wake_ > now) return;
  wake_.reset();
  handle_wake(now);
}

std::optional<Shot> Rival::poll_transmit(Time now) {
  if (shots_.empty() || shots_.begin()->first > now) return std::nullopt;
  const Shot shot = shots_.begin()->second;
  shots_.erase(shots_.begin());
  return shot;
}

std::optional<Signal> Rival::poll_signal() {
  if (signals_.empty()) return std::nullopt;
  Signal signal = std::move(signals_.front());
  signals_.pop_front();
  return signal;
}

std::optional<Time> Rival::next_deadline() const {
  const auto shot = shots_.empty() ? std::nullopt : std::optional(shots_.begin()->first);
  const auto end = ends_ == Time::max() ? std::nullopt : std::optional(ends_);
  return earlier(earlier(shot, wake_), end);
}

MakeRival rival_named(std::string_view name) {
  if (name == "ice") return make_ice;
  if (name == "disco") return make_disco;
  if (name == "dcutr") return make_dcutr;
  if (name == "birthday") return make_birthday;
  return nullptr;
}

}  // namespace weft::strategies

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/delayed_answers.h"

namespace weft::stun {

bool DelayedAnswers::add(Time now, Duration delay, const Endpoint& client, const TransactionId& id, Datagram answer) {
  const Key key{client, id};
  forget(key);
  if (delay > kLongest || waiting_.size() >= kMost) return false;
  std::size_t& held = per_address_[client.address];
  if (held >= kMostPerAddress) return false;
  ++held;
  waiting_.emplace(key, Waiting{now + delay, std::move(answer)});
  order_.insert({now + delay, key});
  return true;
}

void DelayedAnswers::forget(const Key& key) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  order_.erase({found->second.at, key});
  waiting_.erase(found);
  const auto held = per_address_.find(key.first.address);
  if (--held->second == 0) per_address_.erase(held);
}

std::optional<Datagram> DelayedAnswers::take(Time now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  const Key key = order_.begin()->second;
  Datagram answer = std::move(waiting_.at(key).answer);
  forget(key);
  return answer;
}

std::optional<Time> DelayedAnswers::next() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

}  // namespace weft::stun

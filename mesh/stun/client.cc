// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/client.h"

#include <algorithm>

#include "mesh/base/deadlines.h"

namespace weft::stun {
namespace {

ClientEvent describe(const Endpoint& server, const TransactionEvent& event) {
  const auto* answered = std::get_if<Answered>(&event);
  if (answered == nullptr) return NoAnswer{server};
  const auto mapped = reflexive_address(answered->response);
  if (!mapped) return NoAnswer{server};
  const auto other = address(answered->response, AttributeType::other_address);
  return Reflexive{server, *mapped, other ? std::optional(*other) : std::nullopt, answered->rtt};
}

}  // namespace

void Client::request(Time now, const Endpoint& server) {
  if (running_.contains(server)) return;
  const Message binding{.transaction_id = make_transaction_id(random_)};
  running_.emplace(server, Transaction(server, binding, timing_)).first->second.start(now);
}

bool Client::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  const auto at = running_.find(from);
  if (at == running_.end()) return false;
  const auto message = parse(datagram);
  if (!message || !at->second.handle_message(now, from, *message)) return false;
  collect(at);
  return true;
}

void Client::handle_timeout(Time now) {
  for (auto at = running_.begin(); at != running_.end();) {
    const auto next = std::next(at);
    at->second.handle_timeout(now);
    collect(at);
    at = next;
  }
}

/// Turns a finished transaction into an event and forgets it.
void Client::collect(std::map<Endpoint, Transaction>::iterator at) {
  const auto event = at->second.poll_event();
  if (!event) return;
  events_.push_back(describe(at->first, *event));
  running_.erase(at);
}

std::optional<Datagram> Client::poll_transmit() {
  for (auto& [server, transaction] : running_) {
    if (auto datagram = transaction.poll_transmit()) return datagram;
  }
  return std::nullopt;
}

std::optional<ClientEvent> Client::poll_event() {
  if (events_.empty()) return std::nullopt;
  ClientEvent event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<Time> Client::next_deadline() const {
  std::optional<Time> first;
  for (const auto& [server, transaction] : running_) first = earlier(first, transaction.next_deadline());
  return first;
}

}  // namespace weft::stun

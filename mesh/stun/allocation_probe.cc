// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/allocation_probe.h"

#include <algorithm>
#include <utility>

#include "mesh/base/deadlines.h"

namespace weft::stun {

AllocationProbe::AllocationProbe(AllocationProbeConfig config, Random& random) : config_(config), random_(random) {}

void AllocationProbe::start(Time now, std::vector<std::uint16_t> local_ports) {
  for (const std::uint16_t port : local_ports) sockets_.push_back({port, std::nullopt, std::nullopt});
  next_start_ = now;
  handle_timeout(now);
}

Transaction AllocationProbe::ask(Time now, const Endpoint& server) {
  const Message request{.transaction_id = make_transaction_id(random_)};
  Transaction transaction(server, request, config_.timing);
  transaction.start(now);
  return transaction;
}

void AllocationProbe::handle_timeout(Time now) {
  if (next_start_ && *next_start_ <= now) {
    next_start_.reset();
    if (started_ < sockets_.size()) {
      sockets_[started_++].transaction = ask(now, config_.server);
      if (started_ < sockets_.size()) next_start_ = now + config_.gap;
    }
  }
  for (std::size_t i = 0; i < started_; ++i) {
    sockets_[i].transaction->handle_timeout(now);
    if (sockets_[i].second) sockets_[i].second->handle_timeout(now);
    collect(now, sockets_[i]);
  }
  settle();
}

bool AllocationProbe::handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram) {
  if (socket >= started_) return false;
  const auto message = parse(datagram);
  if (!message) return false;
  Sample& sample = sockets_[socket];
  const bool taken = sample.transaction->handle_message(now, from, *message) ||
                     (sample.second && sample.second->handle_message(now, from, *message));
  if (!taken) return false;
  collect(now, sample);
  settle();
  return true;
}

void AllocationProbe::collect(Time now, Sample& sample) {
  const auto seen = [](std::optional<Transaction>& transaction) -> std::optional<Endpoint> {
    const auto event = transaction ? transaction->poll_event() : std::nullopt;
    const auto* answered = event ? std::get_if<Answered>(&*event) : nullptr;
    const auto reflexive = answered ? reflexive_address(answered->response) : std::unexpected(StunError{});
    return reflexive ? std::optional(*reflexive) : std::nullopt;
  };
  if (const auto external = seen(sample.transaction)) {
    sample.external = external;
    if (config_.second_server) sample.second = ask(now, *config_.second_server);
  }
  if (const auto external = seen(sample.second)) {
    ++asked_twice_;
    elsewhere_ += external != sample.external ? 1 : 0;
  }
}

void AllocationProbe::settle() {
  const bool over = started_ == sockets_.size() && std::ranges::all_of(sockets_, [](const Sample& s) {
                      return s.transaction->done() && (!s.second || s.second->done());
                    });
  if (!over || finished_) return;
  finished_ = true;
  AllocationFound found;
  for (const Sample& sample : sockets_) {
    if (sample.external) found.samples.push_back({sample.local_port, *sample.external});
  }
  found.facts = infer_allocation(found.samples);
  const bool collided = found.facts.allocation == Allocation::preserve && 2 * elsewhere_ < asked_twice_;
  found.varies = elsewhere_ > 0 && !collided;
  event_ = std::move(found);
}

std::optional<SocketDatagram> AllocationProbe::poll_transmit() {
  for (std::size_t i = 0; i < started_; ++i) {
    for (auto* transaction : {&sockets_[i].transaction, &sockets_[i].second}) {
      auto datagram = *transaction ? (*transaction)->poll_transmit() : std::nullopt;
      if (datagram) return SocketDatagram{i, datagram->destination, std::move(datagram->bytes)};
    }
  }
  return std::nullopt;
}

std::optional<AllocationFound> AllocationProbe::poll_event() { return std::exchange(event_, std::nullopt); }

std::optional<Time> AllocationProbe::next_deadline() const {
  std::optional<Time> first = next_start_;
  for (std::size_t i = 0; i < started_; ++i) {
    first = earlier(first, sockets_[i].transaction->next_deadline());
    if (sockets_[i].second) first = earlier(first, sockets_[i].second->next_deadline());
  }
  return first;
}

}  // namespace weft::stun

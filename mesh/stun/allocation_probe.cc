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

void AllocationProbe::handle_timeout(Time now) {
  if (next_start_ && *next_start_ <= now) {
    next_start_.reset();
    if (started_ < sockets_.size()) {
      const Message request{.transaction_id = make_transaction_id(random_)};
      auto& transaction = sockets_[started_++].transaction.emplace(config_.server, request, config_.timing);
      transaction.start(now);
      if (started_ < sockets_.size()) next_start_ = now + config_.gap;
    }
  }
  for (std::size_t i = 0; i < started_; ++i) {
    sockets_[i].transaction->handle_timeout(now);
    collect(sockets_[i]);
  }
  settle();
}

bool AllocationProbe::handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram) {
  if (socket >= started_) return false;
  const auto message = parse(datagram);
  if (!message || !sockets_[socket].transaction->handle_message(now, from, *message)) return false;
  collect(sockets_[socket]);
  settle();
  return true;
}

void AllocationProbe::collect(Sample& sample) {
  const auto event = sample.transaction->poll_event();
  if (!event) return;
  if (const auto* answered = std::get_if<Answered>(&*event)) {
    if (const auto reflexive = reflexive_address(answered->response)) sample.external = *reflexive;
  }
}

void AllocationProbe::settle() {
  const bool over = started_ == sockets_.size() &&
                    std::ranges::all_of(sockets_, [](const Sample& s) { return s.transaction->done(); });
  if (!over || finished_) return;
  finished_ = true;
  AllocationFound found;
  for (const Sample& sample : sockets_) {
    if (sample.external) found.samples.push_back({sample.local_port, *sample.external});
  }
  found.facts = infer_allocation(found.samples);
  event_ = std::move(found);
}

std::optional<SocketDatagram> AllocationProbe::poll_transmit() {
  for (std::size_t i = 0; i < started_; ++i) {
    if (auto datagram = sockets_[i].transaction->poll_transmit()) {
      return SocketDatagram{i, datagram->destination, std::move(datagram->bytes)};
    }
  }
  return std::nullopt;
}

std::optional<AllocationFound> AllocationProbe::poll_event() { return std::exchange(event_, std::nullopt); }

std::optional<Time> AllocationProbe::next_deadline() const {
  std::optional<Time> first = next_start_;
  for (std::size_t i = 0; i < started_; ++i) first = earlier(first, sockets_[i].transaction->next_deadline());
  return first;
}

}  // namespace weft::stun

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/nat_learner.h"

#include <algorithm>

#include "mesh/base/deadlines.h"
#include "mesh/io/clock.h"
#include "mesh/io/udp_socket.h"

namespace weft::agent {
namespace {

constexpr stun::Timing kSampleTiming{.rto = 150ms, .sends = 3, .last_wait = 2};

void send_from(io::UdpSocket& socket, const Endpoint& to, Bytes bytes, std::uint8_t ttl = 0) {
  DatagramSlot item;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  item.slot = {bytes.data(), size, 0, size};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  item.meta.ttl = ttl;
  socket.send({&item, 1});
}

path::Allocation allocation_of(stun::Allocation allocation) {
  switch (allocation) {
    case stun::Allocation::preserve:
      return path::Allocation::preserve;
    case stun::Allocation::sequential:
      return path::Allocation::sequential;
    case stun::Allocation::random:
      return path::Allocation::random;
    case stun::Allocation::unknown:
      break;
  }
  return path::Allocation::unknown;
}

}  // namespace

NatLearner::NatLearner(io::Host& host, Random& random, std::function<void()> on_change)
    : host_(host), random_(random), on_change_(std::move(on_change)), timer_(host, [this] {
        const Time now = host_.clock().now();
        if (allocation_) allocation_->handle_timeout(now);
        for (auto& sample : samples_) sample.client->handle_timeout(now);
        drain();
      }) {}

NatLearner::~NatLearner() = default;

std::unique_ptr<io::UdpSocket> NatLearner::open(IpFamily family, Datagram on_datagram,
                                                std::function<void(const IpAddress&)> on_expired) {
  auto socket = host_.open_udp({.local = {IpAddress::any(family), 0}});
  if (!socket) return nullptr;
  (*socket)->start_receive([this, on_datagram, on_expired](std::span<DatagramSlot> slots) {
    for (const auto& [slot, meta] : slots) {
      if (meta.icmp) {
        on_expired(meta.icmp->reporter);
      } else {
        on_datagram(meta.source, slot.bytes());
      }
    }
    timer_.arm(host_.clock().now());  // drained on the next turn: what ends there closes this socket
  });
  return std::move(*socket);
}

void NatLearner::learn(const Endpoint& server, bool symmetric) {
  learn_hops(server);
  allocation_.reset();
  sockets_.clear();
  if (symmetric) learn_allocation(server);
  drain();
}

/// One packet from a socket of its own for each TTL: the socket tells which of them an error is about.
void NatLearner::learn_hops(const Endpoint& server) {
  hops_.clear();
  for (std::uint8_t ttl = 1; ttl <= kMaxHops + 1; ++ttl) {
    const std::size_t hop = hops_.size();
    HopProbe probe;
    probe.socket = open(
        server.address.family(), [](const Endpoint&, ByteView) {},
        [this, hop](const IpAddress& reporter) { hop_answered(hop, reporter); });
    if (!probe.socket) return;
    const stun::Message request{.transaction_id = stun::make_transaction_id(random_)};
    send_from(*probe.socket, server, stun::encode(request), ttl);
    hops_.push_back(std::move(probe));
  }
}

void NatLearner::hop_answered(std::size_t hop, const IpAddress& reporter) {
  if (hop >= hops_.size() || reporter.is_private()) return;
  hops_[hop].public_reporter = true;
  const auto first =
      std::find_if(hops_.begin(), hops_.end(), [](const HopProbe& probe) { return probe.public_reporter; });
  facts_.nat_hops = static_cast<std::uint8_t>(std::max<std::ptrdiff_t>(first - hops_.begin(), 1));
}

void NatLearner::learn_allocation(const Endpoint& server) {
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < kAllocationSockets; ++i) {
    auto socket = open(
        server.address.family(),
        [this, i](const Endpoint& from, ByteView datagram) {
          if (allocation_) allocation_->handle_datagram(host_.clock().now(), i, from, datagram);
        },
        [](const IpAddress&) {});
    if (!socket) return;
    ports.push_back(socket->local_endpoint().port);
    sockets_.push_back(std::move(socket));
  }
  allocation_ = std::make_unique<stun::AllocationProbe>(stun::AllocationProbeConfig{.server = server}, random_);
  allocation_->start(host_.clock().now(), std::move(ports));
}

void NatLearner::sample(const Endpoint& server, std::function<void(std::uint16_t)> handler) {
  auto& sample = samples_.emplace_back();
  sample.client = std::make_unique<stun::Client>(random_, kSampleTiming);
  sample.handler = std::move(handler);
  sample.socket = open(
      server.address.family(),
      [this, &sample](const Endpoint& from, ByteView datagram) {
        sample.client->handle_datagram(host_.clock().now(), from, datagram);
      },
      [](const IpAddress&) {});
  sample.client->request(host_.clock().now(), server);
  drain();
}

void NatLearner::add_to(path::NatFacts& facts) const {
  facts.nat_hops = facts_.nat_hops;
  if (facts.mapping == path::Mapping::endpoint_independent) return;
  facts.allocation = facts_.allocation;
  facts.delta = facts_.delta;
  facts.ports = facts_.ports;
}

void NatLearner::drain() {
  std::optional<Time> next;
  if (allocation_) {
    while (auto datagram = allocation_->poll_transmit()) {
      send_from(*sockets_.at(datagram->socket), datagram->destination, std::move(datagram->bytes));
    }
    next = allocation_->next_deadline();
  }
  std::vector<std::pair<std::function<void(std::uint16_t)>, std::uint16_t>> answered;
  for (auto& sample : samples_) {
    while (auto datagram = sample.client->poll_transmit()) {
      if (sample.socket) send_from(*sample.socket, datagram->destination, std::move(datagram->bytes));
    }
    while (auto event = sample.client->poll_event()) {
      sample.done = true;
      if (const auto* seen = std::get_if<stun::Reflexive>(&*event))
        answered.emplace_back(sample.handler, seen->mapped.port);
    }
    next = earlier(next, sample.client->next_deadline());
  }
  std::erase_if(samples_, [](const Sample& sample) { return sample.done; });
  const auto found = allocation_ ? allocation_->poll_event() : std::nullopt;
  if (found) {
    facts_.allocation = allocation_of(found->facts.allocation);
    facts_.delta = static_cast<std::int16_t>(found->facts.delta);
    facts_.ports = {};
    if (const auto& block = found->facts.block; block && facts_.allocation == path::Allocation::random) {
      facts_.ports = {std::max<std::uint16_t>(block->low, 1),
                      static_cast<std::uint16_t>(block->low + (block->size - 1))};
    }
    allocation_.reset();
    sockets_.clear();
    hops_.clear();
  }
  timer_.arm(next);
  for (const auto& [handler, port] : answered) handler(port);
  if (found && on_change_) on_change_();
}

}  // namespace weft::agent

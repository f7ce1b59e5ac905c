// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/nat_learner.h"

#include <algorithm>
#include <array>

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

path::Pooling pooling_of(stun::Pooling pooling) {
  if (pooling == stun::Pooling::paired) return path::Pooling::paired;
  return pooling == stun::Pooling::arbitrary ? path::Pooling::arbitrary : path::Pooling::unknown;
}

path::Hairpinning hairpinning_of(stun::Hairpinning hairpinning) {
  switch (hairpinning) {
    case stun::Hairpinning::none:
      return path::Hairpinning::none;
    case stun::Hairpinning::internal_source:
      return path::Hairpinning::internal_source;
    case stun::Hairpinning::external_source:
      return path::Hairpinning::external_source;
    case stun::Hairpinning::unknown:
      break;
  }
  return path::Hairpinning::unknown;
}

/// The private network that an IPv4 address is of: NATs stand between two of them. 0: a public address.
int network_of(const IpAddress& address) {
  if (!address.is_v4() || !address.is_private()) return 0;
  const std::uint32_t bits = address.v4_host_order();
  return static_cast<int>(bits >> 24) * 256 + (bits >> 24 == 10 ? 0 : static_cast<int>(bits >> 22 & 3));
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
        if (hairpin_) hairpin_->handle_timeout(now);
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

void NatLearner::learn(const Question& question) {
  server_ = question.server;
  local_ = question.local;
  varies_ = false;
  allocation_.reset();
  sockets_.clear();
  hairpin_.reset();
  hairpin_sockets_.clear();
  hairpin_flows_.clear();
  dependent_ = question.symmetric;
  rate_at_.reset();
  learn_hops(question.server);
  learn_allocation(question);
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
  if (hop >= hops_.size()) return;
  hops_[hop].reporter = reporter;
  count_layers();
  // A reporter of the other family is inside a NAT64.
  const auto first = std::find_if(hops_.begin(), hops_.end(), [this](const HopProbe& probe) {
    return probe.reporter && !probe.reporter->is_private() && probe.reporter->family() == server_.address.family();
  });
  if (first == hops_.end()) return;
  facts_.nat_hops = static_cast<std::uint8_t>(std::max<std::ptrdiff_t>(first - hops_.begin(), 1));
}

/// One at least, since a server sees another address than ours; and one for each private network that is left.
void NatLearner::count_layers() {
  std::uint8_t layers = 0;
  int network = network_of(local_);
  for (const HopProbe& probe : hops_) {
    if (!probe.reporter || network == 0) continue;
    const int next = network_of(*probe.reporter);
    if (next != network) ++layers;
    network = next;
  }
  if (network != 0) ++layers;  // the last ones did not tell
  facts_.layers = std::max<std::uint8_t>(layers, 1);
}

void NatLearner::learn_allocation(const Question& question) {
  const std::size_t count = question.symmetric ? kAllocationSockets : kFewSockets;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    auto socket = open(
        question.server.address.family(),
        [this, i](const Endpoint& from, ByteView datagram) {
          if (allocation_) allocation_->handle_datagram(host_.clock().now(), i, from, datagram);
        },
        [](const IpAddress&) {});
    if (!socket) return;
    ports.push_back(socket->local_endpoint().port);
    sockets_.push_back(std::move(socket));
  }
  allocation_ = std::make_unique<stun::AllocationProbe>(
      stun::AllocationProbeConfig{.server = question.server, .second_server = question.second_server}, random_);
  allocation_->start(host_.clock().now(), std::move(ports));
}

void NatLearner::allocation_found(const stun::AllocationFound& found) {
  varies_ = found.varies;
  facts_.allocation = allocation_of(found.facts.allocation);
  facts_.delta = static_cast<std::int16_t>(found.facts.delta);
  facts_.pooling = pooling_of(found.facts.pooling);
  facts_.ports = {};
  if (const auto& block = found.facts.block; block && facts_.allocation == path::Allocation::random) {
    facts_.ports = {std::max<std::uint16_t>(block->low, 1), static_cast<std::uint16_t>(block->low + (block->size - 1))};
  }
  allocation_.reset();
  sockets_.clear();
  hops_.clear();
  learn_rate(found);
  learn_hairpinning();
}

/// A sequence of which no sibling has told how fast it is.
void NatLearner::learn_rate(const stun::AllocationFound& found) {
  facts_.allocations_per_minute = sibling_.allocations_per_minute;
  if (facts_.allocation != path::Allocation::sequential || facts_.delta == 0 || sibling_.allocations_per_minute) return;
  last_port_ = found.samples.back();
  last_port_sent_ = host_.clock().now();
  rate_at_ = last_port_sent_ + kRateSpan;
}

void NatLearner::learn_hairpinning() {
  facts_.hairpinning = sibling_.hairpinning;
  if (facts_.hairpinning != path::Hairpinning::unknown) return;
  std::array<Endpoint, 2> local;
  for (std::size_t i = 0; i < local.size(); ++i) {
    auto socket = open(
        server_.address.family(),
        [this, i](const Endpoint& from, ByteView datagram) {
          if (hairpin_) hairpin_->handle_datagram(host_.clock().now(), i, from, datagram);
        },
        [](const IpAddress&) {});
    if (!socket) return hairpin_sockets_.clear();
    local[i] = {local_, socket->local_endpoint().port};
    hairpin_sockets_.push_back(std::move(socket));
  }
  hairpin_ = std::make_unique<stun::HairpinProbe>(stun::HairpinProbeConfig{.server = server_}, random_);
  hairpin_->start(host_.clock().now(), local);
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
  facts.layers = facts_.layers;
  facts.pooling = facts_.pooling;
  facts.hairpinning = facts_.hairpinning;
  facts.allocation = facts_.allocation;
  facts.delta = facts_.delta;
  facts.allocations_per_minute = facts_.allocations_per_minute;
  if (facts.mapping != path::Mapping::endpoint_independent) facts.ports = facts_.ports;
}

void NatLearner::drain_samples(Answers& answers) {
  for (auto& sample : samples_) {
    while (auto datagram = sample.client->poll_transmit()) {
      if (sample.socket) send_from(*sample.socket, datagram->destination, std::move(datagram->bytes));
    }
    while (auto event = sample.client->poll_event()) {
      sample.done = true;
      if (const auto* seen = std::get_if<stun::Reflexive>(&*event)) {
        answers.emplace_back(sample.handler, seen->mapped.port);
      }
    }
  }
  std::erase_if(samples_, [](const Sample& sample) { return sample.done; });
}

/// Our own ports lie between too if hairpinning was tried meanwhile.
void NatLearner::measure_rate() {
  rate_at_.reset();
  const auto own = static_cast<std::uint32_t>(dependent_ ? hairpin_flows_.size() : hairpin_sockets_.size());
  const Duration span = host_.clock().now() - last_port_sent_;
  sample(server_, [this, own, span](std::uint16_t port) {
    const std::uint32_t passed = stun::others_between(last_port_, {0, {{}, port}}, facts_.delta);
    const std::uint64_t others = passed > own ? passed - own : 0;
    const auto a_minute =
        others * static_cast<std::uint64_t>(Duration(1min).count()) / static_cast<std::uint64_t>(span.count());
    facts_.allocations_per_minute = static_cast<std::uint16_t>(std::min<std::uint64_t>(a_minute, 65535));
    if (on_change_) on_change_();
  });
}

bool NatLearner::drain_probes() {
  if (allocation_) {
    while (auto datagram = allocation_->poll_transmit()) {
      send_from(*sockets_.at(datagram->socket), datagram->destination, std::move(datagram->bytes));
    }
    if (const auto found = allocation_->poll_event()) {
      allocation_found(*found);
      drain_probes();
      return true;
    }
  }
  if (!hairpin_) return false;
  while (auto datagram = hairpin_->poll_transmit()) {
    hairpin_flows_.insert({datagram->socket, datagram->destination});
    send_from(*hairpin_sockets_.at(datagram->socket), datagram->destination, std::move(datagram->bytes));
  }
  const auto hairpinning = hairpin_->poll_event();
  if (!hairpinning) return false;
  facts_.hairpinning = hairpinning_of(*hairpinning);
  hairpin_.reset();
  for (auto& socket : hairpin_sockets_) socket.reset();  // their number is still asked for
  return true;
}

void NatLearner::drain() {
  const bool found = drain_probes();
  if (rate_at_ && *rate_at_ <= host_.clock().now()) measure_rate();
  Answers answers;
  drain_samples(answers);
  std::optional<Time> next = rate_at_;
  if (allocation_) next = earlier(next, allocation_->next_deadline());
  if (hairpin_) next = earlier(next, hairpin_->next_deadline());
  for (const auto& sample : samples_) next = earlier(next, sample.client->next_deadline());
  timer_.arm(next);
  for (const auto& [handler, port] : answers) handler(port);
  if (found && on_change_) on_change_();
}

}  // namespace weft::agent

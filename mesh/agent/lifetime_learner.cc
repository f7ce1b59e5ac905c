// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/lifetime_learner.h"

#include <algorithm>

#include "mesh/io/clock.h"
#include "mesh/io/datagram_run.h"
#include "mesh/io/host.h"
#include "mesh/io/udp_socket.h"

namespace weft::agent {
namespace {

void send_from(io::UdpSocket& socket, const Endpoint& to, Bytes bytes) {
  DatagramSlot item;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  item.slot = {bytes.data(), size, 0, size};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  socket.send({&item, 1});
}

}  // namespace

LifetimeLearner::~LifetimeLearner() = default;

void LifetimeLearner::learn(const Endpoint& server) {
  const Time now = host_.clock().now();
  if (done_ || probe_ || (not_before_ && now < *not_before_)) return;
  not_before_ = now + kRetry;
  const stun::LifetimeProbeConfig config{.server = server, .replied = true};
  for (std::size_t i = 0; i < config.delays.size(); ++i) {
    auto socket = host_.open_udp({.local = {IpAddress::any(server.address.family()), 0}});
    if (!socket) return sockets_.clear();
    (*socket)->start_receive([this, i](std::span<DatagramSlot> slots) {
      io::for_each_datagram(0, slots, [&](const PacketSlot& one) {
        if (probe_) probe_->handle_datagram(host_.clock().now(), i, one.path.remote, one.slot.bytes());
      });
      timer_.arm(host_.clock().now());  // drained on the next turn: the end of the probe closes this socket
    });
    sockets_.push_back(std::move(*socket));
  }
  probe_ = std::make_unique<stun::LifetimeProbe>(config, random_);
  probe_->start(now);
  drain();
}

void LifetimeLearner::forget() {
  probe_.reset();
  sockets_.clear();
  lifetime_ = Duration{0};
  not_before_.reset();
  done_ = false;
  timer_.arm(std::nullopt);
}

void LifetimeLearner::advance() {
  if (!probe_) return;
  probe_->handle_timeout(host_.clock().now());
  drain();
}

void LifetimeLearner::drain() {
  while (auto datagram = probe_->poll_transmit()) {
    send_from(*sockets_.at(datagram->socket), datagram->destination, std::move(datagram->bytes));
  }
  if (const auto measured = probe_->poll_event()) return finish(*measured);
  close_over();
  timer_.arm(probe_->next_deadline());
}

void LifetimeLearner::close_over() {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (probe_->over(host_.clock().now(), i)) sockets_[i].reset();
  }
}

/// Where not even the shortest silence was survived, the server may just have been away: its delay is taken for the
/// lifetime, and asked again.
void LifetimeLearner::finish(const stun::LifetimeMeasured& measured) {
  probe_.reset();
  sockets_.clear();
  timer_.arm(std::nullopt);
  if (!measured.supported) return;
  done_ = measured.survived > 0ns;
  lifetime_ = done_ ? measured.survived : measured.died.value_or(Duration{0});
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/udp_sockets.h"

#include <algorithm>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "mesh/io/udp_socket.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay_server {

UdpSockets::UdpSockets(io::Host& host, RelayHandler on_relay) : host_(host), on_relay_(std::move(on_relay)) {}
UdpSockets::~UdpSockets() = default;

Result<void> UdpSockets::open(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    auto socket = host_.open_udp({.local = endpoint});
    if (!socket) return std::unexpected(socket.error());
    sockets_.push_back(std::move(*socket));
  }
  server_ = stun::Server({.endpoints = this->endpoints(), .software = {}});
  delayed_ = host_.make_timer([this] { send_delayed(); });
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    sockets_[i]->start_receive([this, i](std::span<DatagramSlot> slots) { receive(i, slots); });
  }
  return {};
}

std::vector<Endpoint> UdpSockets::endpoints() const {
  std::vector<Endpoint> bound;
  for (const auto& socket : sockets_) bound.push_back(socket->local_endpoint());
  return bound;
}

/// Joined datagrams come from one sender, and are all of the kind of the first.
void UdpSockets::receive(std::size_t socket, std::span<DatagramSlot> slots) {
  const auto is_relayed = [](const DatagramSlot& item) {
    return !item.meta.icmp && item.slot.length > 0 && item.slot.data()[0] == relay::kUdpMagic;
  };
  if (std::ranges::all_of(slots, is_relayed)) return on_relay_(static_cast<std::uint16_t>(socket), slots);
  relayed_.clear();
  std::vector<stun::Datagram> answers;
  for (const DatagramSlot& item : slots) {
    if (is_relayed(item)) {
      relayed_.push_back(item);
    } else if (!item.meta.icmp && item.slot.length > 0) {
      answer(socket, item, answers);
    }
  }
  if (!answers.empty()) send_answers(answers, socket);
  if (const auto next = server_.next_deadline()) delayed_->arm(*next);
  if (!relayed_.empty()) on_relay_(static_cast<std::uint16_t>(socket), relayed_);
}

void UdpSockets::answer(std::size_t socket, const DatagramSlot& item, std::vector<stun::Datagram>& answers) {
  const Endpoint bound = sockets_[socket]->local_endpoint();
  const bool known = item.meta.destination.address != IpAddress() && !item.meta.destination.address.is_unspecified();
  const Endpoint local{known ? item.meta.destination.address : bound.address, bound.port};
  const std::size_t step = item.meta.segment_size == 0 ? item.slot.length : item.meta.segment_size;
  for (ByteView rest = item.slot.bytes(); !rest.empty();) {
    const ByteView datagram = rest.first(std::min(step, rest.size()));
    if (auto one = server_.handle_datagram(host_.clock().now(), item.meta.source, local, datagram)) {
      answers.push_back(std::move(*one));
    }
    rest = rest.subspan(datagram.size());
  }
}

void UdpSockets::send(std::uint16_t socket, std::span<DatagramSlot> items) { sockets_[socket]->send(items); }

void UdpSockets::send(std::uint16_t socket, const Endpoint& to, const IpAddress& from, MutableByteView datagram) {
  const auto size = static_cast<std::uint32_t>(datagram.size());
  DatagramSlot item;
  item.slot = {datagram.data(), size, 0, size};
  item.meta.source.address = from;
  item.meta.destination = to;
  send(socket, {&item, 1});
}

void UdpSockets::send_from_fresh(const Endpoint& to, MutableByteView datagram) {
  const IpAddress any = IpAddress::any(to.address.family());
  const auto socket = host_.open_udp({.local = {any, 0}});
  if (!socket) return;
  const auto size = static_cast<std::uint32_t>(datagram.size());
  DatagramSlot item;
  item.slot = {datagram.data(), size, 0, size};
  item.meta.source.address = any;
  item.meta.destination = to;
  (*socket)->send({&item, 1});
}

void UdpSockets::send_delayed() {
  std::vector<stun::Datagram> answers;
  while (auto answer = server_.poll_transmit(host_.clock().now())) answers.push_back(std::move(*answer));
  if (!answers.empty()) send_answers(answers, 0);
  if (const auto next = server_.next_deadline()) delayed_->arm(*next);
}

/// Sends runs of answers that leave by one socket in one call.
void UdpSockets::send_answers(std::vector<stun::Datagram>& answers, std::size_t asked) {
  std::vector<DatagramSlot> batch;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    stun::Datagram& answer = answers[i];
    DatagramSlot item;
    item.slot.arena = answer.bytes.data();
    item.slot.capacity = item.slot.length = static_cast<std::uint32_t>(answer.bytes.size());
    item.meta.source = answer.source;
    item.meta.destination = answer.destination;
    batch.push_back(item);
    const std::size_t socket = socket_for(answer.source, asked);
    const bool last = i + 1 == answers.size() || batch.size() == kMaxBatch;
    if (!last && socket_for(answers[i + 1].source, asked) == socket) continue;
    sockets_[socket]->send(batch);
    batch.clear();
  }
}

/// The socket bound to `source`, exactly or by its port alone; the one that was asked if there is none.
std::size_t UdpSockets::socket_for(const Endpoint& source, std::size_t asked) const {
  std::size_t by_port = asked;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const Endpoint bound = sockets_[i]->local_endpoint();
    if (bound == source) return i;
    const bool any = bound.address.is_unspecified() && bound.address.family() == source.address.family();
    if (any && bound.port == source.port) by_port = i;
  }
  return by_port;
}

}  // namespace weft::relay_server

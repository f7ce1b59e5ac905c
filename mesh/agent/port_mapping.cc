// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/port_mapping.h"

#include <algorithm>
#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/network_monitor.h"

namespace weft::agent {

PortMapping::PortMapping(io::Host& host, portmap::MapperConfig config, IpFamily family)
    : host_(host),
      random_(host.rng(family == IpFamily::v4 ? "portmap" : "portmap6")),
      mapper_(*random_, std::move(config)),
      timer_(host,
             [this] {
               mapper_.handle_timeout(now());
               drain();
             }),
      family_(family) {}
PortMapping::~PortMapping() = default;

Time PortMapping::now() const { return host_.clock().now(); }

/// The first gateway of the family, and our address in its network, or the interface's first. Nobody outside could
/// reach a link-local address of ours.
std::optional<PortMapping::Found> PortMapping::find_router() const {
  for (const io::NetworkInterface& interface : host_.network().interfaces()) {
    if (!interface.up || !interface.has_default_route) continue;
    const auto gateway = std::ranges::find(interface.gateways, family_, &IpAddress::family);
    if (gateway == interface.gateways.end()) continue;
    std::optional<IpAddress> local;
    for (const Prefix& own : interface.addresses) {
      if (own.address.family() != family_ || (family_ == IpFamily::v6 && own.address.is_link_local())) continue;
      if (!local || own.masked().contains(*gateway)) local = own.address;
    }
    if (local) return Found{{*gateway, *local}, interface.index};
  }
  return std::nullopt;
}

void PortMapping::open_socket(const std::optional<portmap::Router>& router) {
  socket_.reset();
  if (!router) return;
  auto socket = host_.open_udp({.local = {router->local, 0}});
  if (!socket) return;
  socket_ = std::move(*socket);
  socket_->start_receive([this](std::span<DatagramSlot> slots) {
    for (const DatagramSlot& item : slots) {
      if (!item.meta.icmp) mapper_.handle_datagram(now(), item.meta.source, item.slot.bytes());
    }
    drain();
  });
}

void PortMapping::handle_network_change() {
  const auto found = find_router();
  const auto router = found ? std::optional(found->router) : std::nullopt;
  interface_index_ = found ? found->interface_index : 0;
  if (router != router_) {
    router_ = router;
    open_socket(router);
    mapper_.set_router(now(), socket_ ? router : std::nullopt);
  }
  drain();
}

void PortMapping::add(const portmap::Wish& wish, std::uint16_t suggested) {
  mapper_.add(now(), wish, suggested);
  drain();
}

void PortMapping::remove(const portmap::Wish& wish) {
  mapper_.remove(now(), wish);
  drain();
}

void PortMapping::remove_all() {
  mapper_.remove_all(now());
  drain();
}

void PortMapping::handle_verified(const Endpoint& external) {
  mapper_.handle_verified(now(), external);
  drain();
}

void PortMapping::handle_unreachable(const Endpoint& external) {
  mapper_.handle_unreachable(now(), external);
  drain();
}

void PortMapping::start_exchange(portmap::HttpExchange exchange) {
  const std::uint32_t id = exchange.id;
  auto& stream = streams_[id] = host_.connect(exchange.server);
  stream->start({.on_connected = [&stream = *stream, bytes = std::move(exchange.bytes)] { stream.write(bytes); },
                 .on_data =
                     [this, id](ByteView bytes) {
                       mapper_.handle_http_data(now(), id, bytes);
                       drain();
                     },
                 .on_writable = {},
                 .on_closed =
                     [this, id](const Error&) {
                       mapper_.handle_http_closed(now(), id);
                       streams_.erase(id);
                       drain();
                     }});
}

void PortMapping::drain() {
  while (auto datagram = mapper_.poll_transmit()) {
    if (!socket_) continue;
    const auto size = static_cast<std::uint32_t>(datagram->bytes.size());
    DatagramSlot item;
    item.slot = {datagram->bytes.data(), size, 0, size};
    item.meta.destination = datagram->destination;
    if (datagram->destination.address.is_v6() && datagram->destination.address.is_link_local())
      item.meta.interface_index = interface_index_;
    socket_->send({&item, 1});
  }
  while (auto exchange = mapper_.poll_http()) start_exchange(std::move(*exchange));
  while (const auto done = mapper_.poll_http_done()) streams_.erase(*done);
  while (const auto event = mapper_.poll_event()) {
    if (on_change) on_change(event->report);
  }
  timer_.arm(mapper_.next_deadline());
}

}  // namespace weft::agent

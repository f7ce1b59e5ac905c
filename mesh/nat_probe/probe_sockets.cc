// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/nat_probe/probe_sockets.h"

#include <algorithm>

#include "mesh/io/host.h"
#include "mesh/io/udp_socket.h"

namespace weft::nat_probe {

ProbeSockets::ProbeSockets(io::Host& host, Handler handler) : host_(host), handler_(std::move(handler)) {}
ProbeSockets::~ProbeSockets() = default;

Result<void> ProbeSockets::open(std::size_t count, IpFamily family) {
  close();
  for (std::size_t i = 0; i < count; ++i) {
    auto socket = host_.open_udp({.local = {IpAddress::any(family), 0}});
    if (!socket) return std::unexpected(socket.error());
    sockets_.push_back(std::move(*socket));
    sockets_.back()->start_receive([this, i](std::span<DatagramSlot> slots) { receive(i, slots); });
  }
  return {};
}

void ProbeSockets::close() { sockets_.clear(); }

std::vector<std::uint16_t> ProbeSockets::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& socket : sockets_) ports.push_back(socket->local_endpoint().port);
  return ports;
}

void ProbeSockets::send(std::size_t socket, const Endpoint& destination, Bytes& bytes) {
  DatagramSlot item;
  item.slot.arena = bytes.data();
  item.slot.capacity = item.slot.length = static_cast<std::uint32_t>(bytes.size());
  item.meta.destination = destination;
  sockets_[socket]->send({&item, 1});
}

void ProbeSockets::receive(std::size_t socket, std::span<DatagramSlot> slots) {
  for (const DatagramSlot& item : slots) {
    if (item.meta.icmp) continue;
    const std::size_t step = item.meta.segment_size == 0 ? item.slot.length : item.meta.segment_size;
    for (ByteView rest = item.slot.bytes(); !rest.empty();) {
      const ByteView datagram = rest.first(std::min(step, rest.size()));
      handler_(socket, item.meta.source, datagram);
      rest = rest.subspan(datagram.size());
    }
  }
}

}  // namespace weft::nat_probe

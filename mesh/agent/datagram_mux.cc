// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/datagram_mux.h"

#include <algorithm>
#include <array>

#include "mesh/io/host.h"
#include "mesh/io/udp_socket.h"
#include "mesh/path/probe.h"
#include "mesh/relay/udp_frame.h"
#include "mesh/stun/message.h"

namespace weft::agent {
namespace {

/// Collects slots for WireGuard, and hands them on when full or when asked.
class Batch {
 public:
  explicit Batch(const std::function<void(std::span<PacketSlot>)>& handler) : handler_(handler) {}
  ~Batch() { flush(); }
  void add(const PacketSlot& slot) {
    slots_[count_++] = slot;
    if (count_ == slots_.size()) flush();
  }
  void flush() {
    const std::size_t count = std::exchange(count_, 0);
    if (count > 0) handler_({slots_.data(), count});
  }

 private:
  const std::function<void(std::span<PacketSlot>)>& handler_;
  std::array<PacketSlot, kMaxBatch> slots_;
  std::size_t count_ = 0;
};

}  // namespace

DatagramKind classify(ByteView datagram) {
  if (stun::looks_like_stun(datagram)) return DatagramKind::stun;
  if (datagram.size() < 4) return DatagramKind::unknown;
  if (datagram[0] >= 1 && datagram[0] <= 4 && datagram[1] == 0 && datagram[2] == 0 && datagram[3] == 0) {
    return DatagramKind::wireguard;
  }
  if (datagram[0] == path::kProbeMagic) return DatagramKind::probe;
  return datagram[0] == relay::kUdpMagic ? DatagramKind::relay : DatagramKind::unknown;
}

DatagramMux::DatagramMux(io::Host& host) : host_(host) {}
DatagramMux::~DatagramMux() = default;

Result<void> DatagramMux::open(std::uint16_t port, Handlers handlers) {
  handlers_ = std::move(handlers);
  auto v4 = open_family(IpFamily::v4, port);
  if (!v4 && v4.error().code == ErrorCode::port_taken) return v4;
  auto v6 = open_family(IpFamily::v6, sockets_.empty() ? port : this->port(0));
  if (sockets_.empty()) return v4;
  if (!v6 && v6.error().code == ErrorCode::port_taken && port == 0) v6 = open_family(IpFamily::v6, 0);
  if (!v6 && v6.error().code == ErrorCode::port_taken) return v6;
  return {};
}

Result<void> DatagramMux::open_family(IpFamily family, std::uint16_t port) {
  auto socket = host_.open_udp({.local = {IpAddress::any(family), port}});
  if (!socket) return std::unexpected(socket.error());
  const auto index = static_cast<std::uint16_t>(sockets_.size());
  sockets_.push_back(std::move(*socket));
  sockets_.back()->start_receive([this, index](std::span<DatagramSlot> slots) { receive(index, slots); });
  lasting_ = sockets_.size();
  return {};
}

Result<std::uint16_t> DatagramMux::open_search_socket(IpFamily family) {
  auto socket = host_.open_udp({.local = {IpAddress::any(family), 0}});
  if (!socket) return std::unexpected(socket.error());
  auto free = std::find(sockets_.begin() + static_cast<std::ptrdiff_t>(lasting_), sockets_.end(), nullptr);
  if (free == sockets_.end()) free = sockets_.insert(free, nullptr);
  const auto index = static_cast<std::uint16_t>(free - sockets_.begin());
  *free = std::move(*socket);
  (*free)->start_receive([this, index](std::span<DatagramSlot> slots) { receive(index, slots); });
  return index;
}

void DatagramMux::close_search_socket(std::uint16_t socket) {
  if (socket >= lasting_ && is_open(socket)) sockets_[socket].reset();
}

std::vector<path::LocalSocket> DatagramMux::sockets() const {
  std::vector<path::LocalSocket> list;
  for (std::size_t i = 0; i < lasting_; ++i) {
    list.push_back({static_cast<std::uint16_t>(i), sockets_[i]->local_endpoint().address.family()});
  }
  return list;
}

std::uint16_t DatagramMux::port(std::uint16_t socket) const {
  return is_open(socket) ? sockets_[socket]->local_endpoint().port : 0;
}

void DatagramMux::receive(std::uint16_t socket, std::span<DatagramSlot> slots) {
  Batch wireguard(handlers_.on_wireguard);
  for (const auto& [run, meta] : slots) {
    if (meta.icmp) {
      ++counters_.icmp;
      continue;
    }
    const std::uint32_t step = meta.segment_size == 0 ? run.length : meta.segment_size;
    for (std::uint32_t at = 0; at < run.length; at += step) {
      Slot one = run;
      one.offset = run.offset + at;
      one.length = std::min(step, run.length - at);
      ++counters_.received;
      PathId from{.socket = socket, .relay = 0, .remote = meta.source};
      DatagramKind kind = classify(one.bytes());
      if (kind == DatagramKind::relay) {
        const auto relay = handlers_.on_relay(meta.source, one.bytes());
        if (!relay) continue;
        one.advance(relay::kUdpDataHeader);
        from = {.socket = 0, .relay = *relay, .remote = {}};
        kind = DatagramKind::wireguard;
      }
      switch (kind) {
        case DatagramKind::wireguard:
          wireguard.add({.slot = one,
                         .offload = {},
                         .verdict = PacketVerdict::pending,
                         .path = from,
                         .peer = 0,
                         .ecn = meta.ecn});
          break;
        case DatagramKind::probe:
          handlers_.on_probe(from, one.bytes());
          break;
        case DatagramKind::stun:
          handlers_.on_stun(socket, meta.source, one.bytes());
          break;
        case DatagramKind::relay:
        case DatagramKind::unknown:
          ++counters_.unknown;
          break;
      }
    }
  }
}

void DatagramMux::send(std::uint16_t socket, const Endpoint& to, ByteView datagram, std::uint8_t ttl) {
  if (!is_open(socket)) return;
  scratch_.assign(datagram.begin(), datagram.end());
  send_scratch(socket, to, ttl);
}

void DatagramMux::send_joined(const Endpoint& to, ByteView head, ByteView datagram) {
  for (std::uint16_t i = 0; i < lasting_; ++i) {
    if (sockets_[i]->local_endpoint().address.family() != to.address.family()) continue;
    scratch_.assign(head.begin(), head.end());
    scratch_.insert(scratch_.end(), datagram.begin(), datagram.end());
    return send_scratch(i, to, 0);
  }
}

void DatagramMux::send_scratch(std::uint16_t socket, const Endpoint& to, std::uint8_t ttl) {
  DatagramSlot item;
  item.slot = {scratch_.data(), static_cast<std::uint32_t>(scratch_.size()), 0,
               static_cast<std::uint32_t>(scratch_.size())};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  item.meta.ttl = ttl;
  const std::size_t taken = sockets_[socket]->send({&item, 1});
  ++(taken == 1 && item.meta.send_error == SendError::none ? counters_.sent : counters_.send_failed);
}

void DatagramMux::send(std::span<const PacketSlot> slots) {
  while (!slots.empty()) {
    const std::uint16_t socket = slots.front().path.socket;
    std::size_t count = 1;
    while (count < slots.size() && count < kMaxBatch && slots[count].path.socket == socket) ++count;
    send_run(socket, slots.first(count));
    slots = slots.subspan(count);
  }
}

void DatagramMux::send_run(std::uint16_t socket, std::span<const PacketSlot> slots) {
  if (!is_open(socket)) return;
  std::array<DatagramSlot, kMaxBatch> items;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    items[i].slot = slots[i].slot;
    items[i].meta.destination = slots[i].path.remote;
    items[i].meta.source.address = IpAddress::any(slots[i].path.remote.address.family());
    items[i].meta.ecn = slots[i].ecn;
  }
  const std::size_t taken = sockets_[socket]->send({items.data(), slots.size()});
  counters_.sent += taken;
  counters_.send_failed += slots.size() - taken;
}

}  // namespace weft::agent

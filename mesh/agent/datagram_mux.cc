// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/datagram_mux.h"

#include <algorithm>

#include "mesh/agent/lane_set.h"
#include "mesh/io/host.h"
#include "mesh/path/probe.h"
#include "mesh/relay/udp_frame.h"
#include "mesh/stun/message.h"

namespace weft::agent {
namespace {

/// A padded probe is rare, and the datagram that is joined for a relay makes its room anew.
constexpr std::size_t kKeptScratch = 512;

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
  io::UdpOptions options{.local = {IpAddress::any(family), port}};
  if (host_.lanes() > 1) options.sharing = lane_sharing(host_.lanes(), true);
  auto socket = host_.open_udp(options);
  if (!socket) return std::unexpected(socket.error());
  const auto index = static_cast<std::uint16_t>(sockets_.size());
  sockets_.push_back(std::move(*socket));
  sockets_.back()->start_receive([this, index](std::span<DatagramSlot> slots) { receive(index, slots); });
  lasting_ = sockets_.size();
  return {};
}

Result<std::uint16_t> DatagramMux::open_search_socket(IpFamily family) {
  return open_further({.local = {IpAddress::any(family), 0}});
}

Result<std::uint16_t> DatagramMux::open_uplink_socket(IpFamily family, const std::string& interface) {
  const auto number = open_further({.local = {IpAddress::any(family), 0}, .interface = interface});
  if (number) uplinks_[*number] = interface;
  return number;
}

Result<std::uint16_t> DatagramMux::open_further(const io::UdpOptions& options) {
  auto socket = host_.open_udp(options);
  if (!socket) return std::unexpected(socket.error());
  auto free = std::find(sockets_.begin() + static_cast<std::ptrdiff_t>(lasting_), sockets_.end(), nullptr);
  if (free == sockets_.end()) free = sockets_.insert(free, nullptr);
  const auto index = static_cast<std::uint16_t>(free - sockets_.begin());
  *free = std::move(*socket);
  (*free)->start_receive([this, index](std::span<DatagramSlot> slots) { receive(index, slots); });
  return index;
}

void DatagramMux::close_socket(std::uint16_t socket) {
  if (socket < lasting_ || !is_open(socket)) return;
  sockets_[socket].reset();
  uplinks_.erase(socket);
}

std::string DatagramMux::interface(std::uint16_t socket) const {
  const auto found = uplinks_.find(socket);
  return found == uplinks_.end() ? std::string() : found->second;
}

std::vector<path::LocalSocket> DatagramMux::sockets() const {
  std::vector<path::LocalSocket> list;
  for (std::size_t i = 0; i < lasting_; ++i) {
    list.push_back({static_cast<std::uint16_t>(i), sockets_[i]->local_endpoint().address.family()});
  }
  for (const auto& [number, interface] : uplinks_) {
    list.push_back({number, sockets_[number]->local_endpoint().address.family(), true});
  }
  return list;
}

std::uint16_t DatagramMux::port(std::uint16_t socket) const {
  return is_open(socket) ? sockets_[socket]->local_endpoint().port : 0;
}

void DatagramMux::receive(std::uint16_t socket, std::span<DatagramSlot> slots) {
  for (const DatagramSlot& item : slots) {
    if (item.meta.icmp) report(socket, *item.meta.icmp);
  }
  io::for_each_datagram(socket, slots, [this](PacketSlot& datagram) { sort(datagram); });
  hand_on();
}

void DatagramMux::report(std::uint16_t socket, const IcmpError& error) {
  ++counters_.icmp;
  const bool v4 = error.quoted_destination.address.is_v4();
  const bool too_big = v4 ? error.type == 3 && error.code == 4 : error.type == 2;
  const bool ours = is_open(socket) && error.quoted_source.port == sockets_[socket]->local_endpoint().port;
  if (!too_big || !ours || !handlers_.on_too_big) return;
  handlers_.on_too_big({.socket = socket, .relay = 0, .remote = error.quoted_destination}, error.mtu);
}

void DatagramMux::receive_passed_on(std::span<PacketSlot> datagrams) {
  for (PacketSlot& datagram : datagrams) sort(datagram);
  hand_on();
}

std::vector<Endpoint> DatagramMux::shared_addresses() const {
  std::vector<Endpoint> addresses;
  for (std::size_t i = 0; i < lasting_; ++i) addresses.push_back(sockets_[i]->local_endpoint());
  return addresses;
}

/// There are a few such paths, so each datagram may be copied.
void DatagramMux::receive_stream(const PathId& from, ByteView datagram) {
  Bytes arena(kSlotHeadRoom + datagram.size() + kSlotTailRoom);
  std::copy(datagram.begin(), datagram.end(), arena.begin() + kSlotHeadRoom);
  PacketSlot one;
  one.path = from;
  one.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom,
              static_cast<std::uint32_t>(datagram.size())};
  const DatagramKind kind = classify(datagram);
  if (kind == DatagramKind::wireguard || kind == DatagramKind::probe) {
    sort(one);
    hand_on();
  } else {
    ++counters_.unknown;
  }
}

void DatagramMux::sort(PacketSlot& datagram) {
  ++counters_.received;
  const ByteView bytes = datagram.slot.bytes();
  switch (classify(bytes)) {
    case DatagramKind::wireguard:
      return collect(datagram);
    case DatagramKind::relay:
      return sort_relayed(datagram);
    case DatagramKind::probe:
      return handlers_.on_probe(datagram.path, bytes);
    case DatagramKind::stun:
      return handlers_.on_stun(datagram.path.socket, datagram.path.remote, bytes);
    case DatagramKind::unknown:
      ++counters_.unknown;
      return;
  }
}

void DatagramMux::sort_relayed(PacketSlot& datagram) {
  const ByteView bytes = datagram.slot.bytes();
  std::optional<PathId> path;
  if (relay::data_channel(bytes, relay::UdpType::carry)) {
    if (carry_.full()) hand_on();
    return carry_.add(datagram);
  }
  if (relay::data_channel(bytes, relay::UdpType::carried)) {
    if (handlers_.on_carried) path = handlers_.on_carried(datagram.path, bytes);
  } else if (const auto relay = handlers_.on_relay(datagram.path.remote, bytes)) {
    path = PathId{.socket = 0, .relay = *relay, .remote = {}};
  }
  if (!path) return;
  PacketSlot inside = datagram;
  inside.slot.advance(relay::kUdpDataHeader);
  inside.path = *path;
  collect(inside);
}

void DatagramMux::collect(const PacketSlot& datagram) {
  if (wireguard_.full()) hand_on();
  wireguard_.add(datagram);
}

void DatagramMux::hand_on() {
  const auto batch = wireguard_.take();
  if (!batch.empty()) handlers_.on_wireguard(batch);
  const auto carry = carry_.take();
  if (!carry.empty() && handlers_.on_carry) handlers_.on_carry(carry);
}

void DatagramMux::send(std::uint16_t socket, const Endpoint& to, ByteView datagram, std::uint8_t ttl,
                       bool dont_fragment) {
  if (socket >= path::kFirstStream) return send_stream(socket, datagram);
  if (!is_open(socket)) return;
  scratch_.assign(datagram.begin(), datagram.end());
  send_scratch(socket, to, ttl, dont_fragment);
  if (scratch_.capacity() > kKeptScratch) Bytes().swap(scratch_);
}

void DatagramMux::send_joined(const Endpoint& to, ByteView head, ByteView datagram) {
  for (std::uint16_t i = 0; i < lasting_; ++i) {
    if (sockets_[i]->local_endpoint().address.family() != to.address.family()) continue;
    return send_joined({.socket = i, .relay = 0, .remote = to}, head, datagram, false);
  }
}

void DatagramMux::send_joined(const PathId& to, ByteView head, ByteView datagram, bool dont_fragment) {
  if (!is_open(to.socket)) return;
  scratch_.assign(head.begin(), head.end());
  scratch_.insert(scratch_.end(), datagram.begin(), datagram.end());
  send_scratch(to.socket, to.remote, 0, dont_fragment);
}

void DatagramMux::send_scratch(std::uint16_t socket, const Endpoint& to, std::uint8_t ttl, bool dont_fragment) {
  DatagramSlot item;
  item.slot = {scratch_.data(), static_cast<std::uint32_t>(scratch_.size()), 0,
               static_cast<std::uint32_t>(scratch_.size())};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  item.meta.ttl = ttl;
  item.meta.dont_fragment = dont_fragment;
  const std::size_t taken = sockets_[socket]->send({&item, 1});
  ++(taken == 1 && item.meta.send_error == SendError::none ? counters_.sent : counters_.send_failed);
}

void DatagramMux::send_stream(std::uint16_t stream, ByteView datagram) {
  ++(handlers_.send_stream && handlers_.send_stream(stream, datagram) ? counters_.sent : counters_.send_failed);
}

void DatagramMux::send(std::span<const PacketSlot> slots) {
  for (const PacketSlot& slot : slots) {
    if (slot.verdict != PacketVerdict::ready || slot.path.relayed()) continue;
    if (path::is_stream(slot.path)) {
      send_stream(slot.path.socket, slot.slot.bytes());
    } else {
      outgoing_.add(sockets_, slot.path, slot.ecn, slot.slot);
    }
  }
  outgoing_.flush(sockets_);
}

DatagramMux::Counters DatagramMux::counters() const {
  Counters counters = counters_;
  counters.sent += outgoing_.counters().sent;
  counters.send_failed += outgoing_.counters().failed;
  return counters;
}

}  // namespace weft::agent

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/udp_layer.h"

#include <algorithm>
#include <cstring>

#include "mesh/base/assert.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/foreseen_event.h"
#include "sim/fabric/network.h"
#include "sim/fabric/router.h"
#include "sim/trace/recorder.h"

namespace weft::fabric {
namespace {

constexpr std::size_t kMaxDatagram = 65'507;

bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port || a.address.family() != b.address.family()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

}  // namespace

FabricUdpSocket::~FabricUdpSocket() { layer_.remove(*this); }

void FabricUdpSocket::start_receive(ReceiveHandler handler) {
  WEFT_ASSERT(!handler_);
  handler_ = std::make_shared<ReceiveHandler>(std::move(handler));
}

std::size_t FabricUdpSocket::send(std::span<DatagramSlot> items) {
  std::size_t taken = 0;
  for (DatagramSlot& item : items) {
    item.meta.send_error = send_one(item);
    if (item.meta.send_error == SendError::none) ++taken;
  }
  return taken;
}

SendError FabricUdpSocket::send_one(const DatagramSlot& item) {
  if (!live_) return SendError::other;
  const ByteView content = item.slot.bytes();
  const std::size_t segment = item.meta.segment_size;
  if (segment == 0 || content.size() <= segment) return layer_.send(*this, item.meta, content);
  for (std::size_t at = 0; at < content.size(); at += segment) {
    const SendError error = layer_.send(*this, item.meta, content.subspan(at, std::min(segment, content.size() - at)));
    if (error != SendError::none) return error;
  }
  return SendError::none;
}

void FabricUdpSocket::deliver(DatagramSlot& item) {
  if (const auto handler = handler_) (*handler)({&item, 1});
}

Result<std::unique_ptr<io::UdpSocket>> UdpLayer::open(const io::UdpOptions& options) {
  Endpoint local = options.local;
  if (!local.address.is_unspecified() && !host_.owns(local.address)) {
    return fail(ErrorCode::io, "cannot bind UDP to " + local.to_string() + ": not an address of " + host_.name());
  }
  const auto is_it = [&](const FabricHost::Uplink& uplink) { return uplink.name == options.interface; };
  if (!options.interface.empty() && std::ranges::none_of(host_.uplinks(), is_it)) {
    return fail(ErrorCode::io, "cannot bind UDP to the interface " + options.interface + ": " + host_.name() +
                                   " has none of that name");
  }
  if (local.port == 0) {
    local.port =
        host_.ephemeral_port([&](std::uint16_t port) { return taken({local.address, port}, options.interface); });
  } else if (taken(local, options.interface)) {
    return fail(ErrorCode::port_taken,
                "UDP port " + local.to_string() + " is in use on " + host_.name() + ": choose another");
  }
  auto socket = std::make_unique<FabricUdpSocket>(*this, local, options.interface);
  socket->live_ = host_.powered();
  sockets_.push_back(socket.get());
  return socket;
}

SendError UdpLayer::send(const FabricUdpSocket& from, const DatagramMeta& meta, ByteView payload) {
  const Endpoint& local = from.local_;
  const Endpoint& to = meta.destination;
  if (to.address.family() != local.address.family() || payload.size() > kMaxDatagram) {
    return payload.size() > kMaxDatagram ? SendError::too_big : SendError::unreachable;
  }
  IpAddress source = local.address;
  if (!meta.source.address.is_unspecified() && host_.owns(meta.source.address)) source = meta.source.address;
  if (source.is_unspecified()) {
    const IpAddress* chosen = host_.source_for(to.address, from.interface_);
    if (chosen == nullptr) return SendError::unreachable;
    source = *chosen;
  }
  const std::size_t header = ip_header_size(to.address.family());
  const std::size_t size = header + kUdpHeader + payload.size();
  if (meta.dont_fragment && size > host_.internet().link(host_.uplink_of(source).node).mtu) return SendError::too_big;
  Packet& packet = host_.internet().router().take();
  if (const auto* recorder = host_.internet().router().recorder())
    packet.cause = recorder->cause_of(payload.data(), packet.cause);
  packet.bytes.resize(size);
  write_ip_header(packet.bytes.data(),
                  {.source = source,
                   .destination = to.address,
                   .protocol = kUdp,
                   .ttl = meta.ttl == 0 ? std::uint8_t{64} : meta.ttl,
                   .ecn = meta.ecn,
                   .dont_fragment = meta.dont_fragment,
                   .identification = identification_++},
                  kUdpHeader + payload.size());
  std::uint8_t* udp = packet.bytes.data() + header;
  store_u16be(udp, local.port);
  store_u16be(udp + 2, to.port);
  store_u16be(udp + 4, static_cast<std::uint16_t>(kUdpHeader + payload.size()));
  if (!payload.empty()) std::memcpy(udp + kUdpHeader, payload.data(), payload.size());
  store_transport_checksum(packet.bytes, 6);
  packet.may_fragment = !meta.dont_fragment;
  host_.send_packet(packet);
  return SendError::none;
}

void UdpLayer::approach(unsigned step) const {
  if (sockets_.empty()) return;
  step == 0 ? fetch_ahead(sockets_.data()) : fetch_ahead(sockets_.front(), 2);
}

void UdpLayer::receive(Packet& packet, const IpView& ip) {
  Router& router = host_.internet().router();
  const std::uint8_t* udp = ip.payload.data();
  if (ip.payload.size() < kUdpHeader || load_u16be(udp + 4) != ip.payload.size()) {
    return router.drop(packet, host_.node(), DropReason::malformed);
  }
  DatagramSlot item;
  item.meta = {.source = {ip.source, load_u16be(udp)},
               .destination = {ip.destination, load_u16be(udp + 2)},
               .interface_index = 1,
               .ttl = ip.ttl,
               .ecn = ip.ecn};
  FabricUdpSocket* socket = find(item.meta.destination);
  if (socket == nullptr) {
    const auto error = make_icmp_error(ip.destination, packet.bytes, IcmpReason::port_unreachable);
    router.give_back(packet);
    if (!error) return;
    Packet& reply = router.take();
    reply.bytes.assign(error->begin(), error->end());
    return host_.send_packet(reply);
  }
  const auto length = static_cast<std::uint32_t>(ip.payload.size() - kUdpHeader);
  const auto offset = static_cast<std::uint32_t>(ip.header + kUdpHeader);
  packet.bytes.resize(offset + length + kSlotTailRoom);
  item.slot = {packet.bytes.data(), static_cast<std::uint32_t>(packet.bytes.size()), offset, length};
  socket->deliver(item);
  router.give_back(packet);
}

void UdpLayer::receive_error(const IcmpErrorView& view) {
  FabricUdpSocket* socket = find(view.error.quoted_source);
  if (socket == nullptr) return;
  alignas(16) std::uint8_t arena[kSlotHeadRoom + kSlotTailRoom] = {};
  DatagramSlot item;
  item.slot = {arena, sizeof arena, kSlotHeadRoom, 0};
  item.meta = {.source = view.error.quoted_destination, .destination = view.error.quoted_source, .interface_index = 1};
  item.meta.icmp = view.error;
  socket->deliver(item);
}

void UdpLayer::power_off() {
  for (FabricUdpSocket* socket : sockets_) socket->live_ = false;
  sockets_.clear();
}

FabricUdpSocket* UdpLayer::find(const Endpoint& local) const {
  FabricUdpSocket* wildcard = nullptr;
  for (FabricUdpSocket* socket : sockets_) {
    if (socket->local_ == local) return socket;
    if (!overlap(socket->local_, local)) continue;
    if (socket->interface_.empty() || socket->interface_ == host_.uplink_of(local.address).name) wildcard = socket;
  }
  return wildcard;
}

/// Two interfaces may have a port each.
bool UdpLayer::taken(const Endpoint& local, const std::string& interface) const {
  return std::ranges::any_of(sockets_, [&](const FabricUdpSocket* socket) {
    const bool apart = !interface.empty() && !socket->interface_.empty() && socket->interface_ != interface;
    return !apart && overlap(socket->local_, local);
  });
}

void UdpLayer::remove(FabricUdpSocket& socket) { std::erase(sockets_, &socket); }

}  // namespace weft::fabric

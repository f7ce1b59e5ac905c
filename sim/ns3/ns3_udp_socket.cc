// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_udp_socket.h"

#include <ns3/boolean.h>
#include <ns3/inet-socket-address.h>
#include <ns3/ipv4-address.h>
#include <ns3/ipv4-packet-info-tag.h>
#include <ns3/ipv6-packet-info-tag.h>
#include <ns3/udp-socket-factory.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/event_loop.h"
#include "sim/ns3/cause_tag.h"
#include "sim/ns3/convert.h"
#include "sim/trace/recorder.h"

namespace weft::stack {
namespace {

constexpr std::size_t kMtu = 1500, kUdpHeader = 8, kMaxDatagram = 65'507;
constexpr std::size_t kHead = 32, kTail = 32;

/// ns-3 takes the TOS byte of an IPv4 datagram, whose low end is ECN, from the address it is sent to.
ns3::Address address_of(const DatagramMeta& meta) {
  if (meta.destination.address.is_v6()) return to_ns3(meta.destination);
  ns3::InetSocketAddress address(to_ns3_v4(meta.destination.address), meta.destination.port);
  address.SetTos(static_cast<std::uint8_t>(meta.ecn));
  return address;
}

std::size_t ip_header(IpFamily family) { return family == IpFamily::v4 ? 20 : 40; }

}  // namespace

Result<std::unique_ptr<io::UdpSocket>> Ns3UdpSocket::open(Ns3Host& host, const io::UdpOptions& options) {
  if (!options.local.address.is_unspecified() && !host.owns(options.local.address)) {
    return fail(ErrorCode::io,
                "cannot bind UDP to " + options.local.to_string() + ": not an address of " + host.name());
  }
  if (!options.interface.empty() && options.interface != "eth0") {
    return fail(ErrorCode::io,
                "cannot bind UDP to the interface " + options.interface + ": " + host.name() + " has eth0 only");
  }
  const auto local = host.udp_ports().claim(options.local);
  if (!local) {
    return fail(ErrorCode::port_taken,
                "UDP port " + options.local.to_string() + " is in use on " + host.name() + ": choose another");
  }
  auto socket = ns3::Socket::CreateSocket(host.node(), ns3::UdpSocketFactory::GetTypeId());
  if (socket->Bind(to_ns3(*local)) != 0) {
    host.udp_ports().release(*local);
    return fail(ErrorCode::io,
                "ns-3 cannot bind UDP to " + local->to_string() + " on " + host.name() + ": give another address");
  }
  return std::make_unique<Ns3UdpSocket>(host, *local, socket);
}

Ns3UdpSocket::Ns3UdpSocket(Ns3Host& host, const Endpoint& local, ns3::Ptr<ns3::Socket> socket)
    : host_(host), local_(local), socket_(std::move(socket)), live_(host.powered()) {
  socket_->SetAttribute("RcvBufSize", ns3::UintegerValue(4 << 20));
  socket_->SetRecvPktInfo(true);
  socket_->SetIpRecvTos(true);
  socket_->SetIpv6RecvTclass(true);
  socket_->SetRecvCallback(ns3::MakeCallback(&Ns3UdpSocket::readable, this));
  host_.add(*this);
}

Ns3UdpSocket::~Ns3UdpSocket() {
  *exists_ = false;
  host_.remove(*this);
  host_.udp_ports().release(local_);
  close();
}

void Ns3UdpSocket::close() {
  if (!socket_) return;
  socket_->SetRecvCallback(ns3::MakeNullCallback<void, ns3::Ptr<ns3::Socket>>());
  socket_->Close();
  socket_ = nullptr;
}

void Ns3UdpSocket::power_off() {
  live_ = false;
  arrivals_.clear();
  close();
}

void Ns3UdpSocket::start_receive(ReceiveHandler handler) {
  WEFT_ASSERT(!handler_);
  handler_ = std::make_shared<ReceiveHandler>(std::move(handler));
  if (!arrivals_.empty()) schedule_flush();
}

std::size_t Ns3UdpSocket::send(std::span<DatagramSlot> items) {
  std::size_t taken = 0;
  for (DatagramSlot& item : items) {
    const ByteView content = item.slot.bytes();
    const std::size_t segment = item.meta.segment_size == 0 ? content.size() : item.meta.segment_size;
    std::size_t at = 0;
    do {
      const std::size_t length = std::min(segment, content.size() - at);
      item.meta.send_error = send_one(item.meta, content.subspan(at, length));
      at += length;
    } while (at < content.size() && item.meta.send_error == SendError::none);
    if (item.meta.send_error == SendError::none) ++taken;
  }
  return taken;
}

/// What ns-3 has as settings of the socket; it takes 0 for "the default TTL". The IPv4 TOS travels in the address.
void Ns3UdpSocket::set_fields(const DatagramMeta& meta) {
  if (local_.address.is_v4()) {
    socket_->SetIpTtl(meta.ttl);
  } else {
    socket_->SetIpv6Tclass(static_cast<int>(meta.ecn));
    socket_->SetIpv6HopLimit(meta.ttl);
  }
  if (std::exchange(dont_fragment_, meta.dont_fragment) != meta.dont_fragment) {
    socket_->SetAttribute("MtuDiscover", ns3::BooleanValue(meta.dont_fragment));
  }
}

SendError Ns3UdpSocket::send_one(const DatagramMeta& meta, ByteView content) {
  if (!live_) return SendError::other;
  const IpFamily family = local_.address.family();
  if (meta.destination.address.family() != family) return SendError::unreachable;
  const std::size_t size = content.size() + kUdpHeader + ip_header(family);
  if (content.size() > kMaxDatagram || (meta.dont_fragment && size > kMtu)) return SendError::too_big;
  if (!meta.source.address.is_unspecified() && !host_.owns(meta.source.address)) return SendError::not_permitted;
  set_fields(meta);
  auto packet = make_packet(content);
  if (const auto* recorder = host_.recorder())
    set_cause(packet, recorder->cause_of(content.data(), host_.loop().cause()));
  if (socket_->SendTo(packet, 0, address_of(meta)) >= 0) return SendError::none;
  return socket_->GetErrno() == ns3::Socket::ERROR_MSGSIZE ? SendError::too_big : SendError::unreachable;
}

void Ns3UdpSocket::readable(ns3::Ptr<ns3::Socket> socket) {
  ns3::Address from;
  while (auto packet = socket->RecvFrom(from)) {
    const Endpoint source = from_ns3(from);
    if (host_.powered() && source.address.family() == local_.address.family()) read(packet, source);
  }
}

void Ns3UdpSocket::read(ns3::Ptr<ns3::Packet> packet, const Endpoint& source) {
  Arrival arrival;
  arrival.meta.source = source;
  arrival.meta.destination = local_;
  arrival.meta.interface_index = 1;
  ns3::Ipv4PacketInfoTag info4;
  ns3::Ipv6PacketInfoTag info6;
  ns3::SocketIpTosTag tos;
  ns3::SocketIpv6TclassTag traffic_class;
  if (packet->RemovePacketTag(info4)) {
    arrival.meta.destination.address = from_ns3(info4.GetAddress());
    arrival.meta.ttl = info4.GetTtl();
  }
  if (packet->RemovePacketTag(info6)) {
    arrival.meta.destination.address = from_ns3(info6.GetAddress());
    arrival.meta.ttl = info6.GetHoplimit();
  }
  if (packet->RemovePacketTag(tos)) arrival.meta.ecn = static_cast<Ecn>(tos.GetTos() & 3);
  if (packet->RemovePacketTag(traffic_class)) arrival.meta.ecn = static_cast<Ecn>(traffic_class.GetTclass() & 3);
  arrival.cause = cause_of(*packet);
  arrival.length = packet->GetSize();
  arrival.arena.resize(kHead + arrival.length + kTail);
  packet->CopyData(arrival.arena.data() + kHead, arrival.length);
  arrivals_.push_back(std::move(arrival));
  schedule_flush();
}

bool Ns3UdpSocket::covers(const Endpoint& local) const {
  if (local.port != local_.port || local.address.family() != local_.address.family()) return false;
  return local_.address.is_unspecified() || local_.address == local.address;
}

void Ns3UdpSocket::take(const DatagramMeta& meta, ByteView content, std::uint64_t cause) {
  Arrival arrival;
  arrival.meta = meta;
  arrival.cause = cause;
  arrival.length = static_cast<std::uint32_t>(content.size());
  arrival.arena.resize(kHead + content.size() + kTail);
  std::ranges::copy(content, arrival.arena.begin() + kHead);
  arrivals_.push_back(std::move(arrival));
  schedule_flush();
}

void Ns3UdpSocket::report(const IcmpError& error) {
  Arrival arrival;
  arrival.arena.resize(kHead + kTail);
  arrival.meta.source = error.quoted_destination;
  arrival.meta.destination = error.quoted_source;
  arrival.meta.interface_index = 1;
  arrival.meta.icmp = error;
  arrivals_.push_back(std::move(arrival));
  schedule_flush();
}

/// Delivery is an event of its own, outside ns-3's stack, and gathers what arrives at one instant.
void Ns3UdpSocket::schedule_flush() {
  if (!handler_ || std::exchange(flush_posted_, true)) return;
  host_.post([this, exists = exists_] {
    if (*exists) flush();
  });
}

void Ns3UdpSocket::flush() {
  flush_posted_ = false;
  const auto exists = exists_;
  const auto handler = handler_;
  std::deque<Arrival> batch = std::exchange(arrivals_, {});
  std::vector<DatagramSlot> slots;
  for (std::size_t at = 0; at < batch.size() && *exists; at += slots.size()) {
    slots.clear();
    tracing::Recorder::Batch held(host_.recorder());
    host_.loop().set_cause(batch[at].cause);
    for (std::size_t i = at; i < std::min(batch.size(), at + kMaxBatch); ++i) {
      Arrival& arrival = batch[i];
      const auto capacity = static_cast<std::uint32_t>(arrival.arena.size());
      held.hold(arrival.arena.data(), arrival.arena.size(), arrival.cause);
      slots.push_back({{arrival.arena.data(), capacity, kHead, arrival.length}, arrival.meta});
    }
    (*handler)(slots);
  }
}

}  // namespace weft::stack

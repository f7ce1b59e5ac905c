// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/wire_port.h"

#include <ns3/callback.h>
#include <ns3/mac48-address.h>
#include <ns3/nstime.h>

#include <algorithm>

#include "mesh/base/bytes.h"
#include "sim/ns3/packet_socket.h"

namespace weft::stack {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherArp = 0x0806, kEtherIpv6 = 0x86DD;
constexpr std::uint16_t kArpRequest = 1, kArpReply = 2;
constexpr std::uint32_t kArpSize = 28;  // for IPv4 over Ethernet

ns3::Mac48Address to_ns3(const WirePort::Address& mac) {
  ns3::Mac48Address address;
  address.CopyFrom(mac.data());
  return address;
}

}  // namespace

Result<void> WirePort::open(const std::string& interface, const Address& other) {
  const auto socket = open_packet_socket(interface);
  if (!socket) return std::unexpected(socket.error());
  wire_ = ns3::CreateObject<ns3::FdNetDevice>();
  wire_->SetAddress(to_ns3(socket->address));
  wire_->SetFileDescriptor(socket->fd);
  node_->AddDevice(wire_);
  other_ = to_ns3(other);
  return {};
}

void WirePort::connect(ns3::Ptr<ns3::NetDevice> inner, std::function<void()> on_leave) {
  inner_ = inner;
  on_leave_ = std::move(on_leave);
  node_->RegisterProtocolHandler(ns3::MakeCallback(&WirePort::from_wire, this), 0, wire_);
  node_->RegisterProtocolHandler(ns3::MakeCallback(&WirePort::to_wire, this), 0, inner_);
}

void WirePort::close() {
  if (wire_) wire_->Stop(ns3::Seconds(0));
  wire_ = nullptr;
}

void WirePort::from_wire(ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
                         const ns3::Address& from, const ns3::Address&, ns3::NetDevice::PacketType) {
  if (protocol == kEtherArp) return answer_arp(*packet, from);
  if (protocol == kEtherIpv4 || protocol == kEtherIpv6) inner_->Send(packet->Copy(), inner_->GetBroadcast(), protocol);
}

/// Whoever asks for an address is told ours (RFC 826): everything goes through us.
void WirePort::answer_arp(const ns3::Packet& request, const ns3::Address& from) {
  std::array<std::uint8_t, kArpSize> arp{};
  if (!wire_ || request.CopyData(arp.data(), kArpSize) != kArpSize || load_u16be(&arp[6]) != kArpRequest) return;
  std::array<std::uint8_t, kArpSize> reply = arp;
  store_u16be(&reply[6], kArpReply);
  ns3::Mac48Address::ConvertFrom(wire_->GetAddress()).CopyTo(&reply[8]);
  std::copy_n(&arp[24], 4, &reply[14]);  // the address that was asked for
  std::copy_n(&arp[8], 10, &reply[18]);  // who asked
  wire_->Send(ns3::Create<ns3::Packet>(reply.data(), reply.size()), from, kEtherArp);
}

void WirePort::to_wire(ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
                       const ns3::Address&, const ns3::Address&, ns3::NetDevice::PacketType) {
  if (!wire_) return;
  on_leave_();
  wire_->Send(packet->Copy(), other_, protocol);
}

}  // namespace weft::stack

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_tun.h"

#include <ns3/ipv4-interface-address.h>
#include <ns3/ipv4-routing-table-entry.h>
#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4-static-routing.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-interface-address.h>
#include <ns3/ipv6-routing-table-entry.h>
#include <ns3/ipv6-static-routing-helper.h>
#include <ns3/ipv6-static-routing.h>
#include <ns3/ipv6.h>

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/ns3/convert.h"

namespace weft::stack {
namespace {

constexpr std::size_t kHead = 32, kTail = 64;  // more than the contract asks for, with the content aligned as the arena

}  // namespace

Ns3Tun::Ns3Tun(Ns3Host& host, const io::TunOptions& options, ns3::Ptr<ns3::VirtualNetDevice> device)
    : host_(host),
      options_(options),
      device_(std::move(device)),
      interface4_(static_cast<std::uint32_t>(host.node()->GetObject<ns3::Ipv4>()->GetInterfaceForDevice(device_))),
      interface6_(static_cast<std::uint32_t>(host.node()->GetObject<ns3::Ipv6>()->GetInterfaceForDevice(device_))) {
  device_->SetMtu(options_.mtu);
  device_->SetSendCallback(ns3::MakeCallback(&Ns3Tun::transmit, this));
  set_addresses();
}

Ns3Tun::~Ns3Tun() {
  *exists_ = false;
  clear_routes();
  auto ipv4 = host_.node()->GetObject<ns3::Ipv4>();
  auto ipv6 = host_.node()->GetObject<ns3::Ipv6>();
  while (ipv4->GetNAddresses(interface4_) > 0) ipv4->RemoveAddress(interface4_, 0);
  for (const Prefix& prefix : options_.addresses) {
    if (prefix.address.is_v6()) ipv6->RemoveAddress(interface6_, to_ns3_v6(prefix.address));
  }
  ipv4->SetDown(interface4_);
  ipv6->SetDown(interface6_);
  host_.give_back_tun_device(options_.name);
}

void Ns3Tun::set_addresses() {
  auto ipv4 = host_.node()->GetObject<ns3::Ipv4>();
  auto ipv6 = host_.node()->GetObject<ns3::Ipv6>();
  for (const Prefix& prefix : options_.addresses) {
    if (prefix.address.is_v4()) {
      ipv4->AddAddress(interface4_, {to_ns3_v4(prefix.address), ns3::Ipv4Mask::GetOnes()});
    } else {
      ipv6->AddAddress(interface6_, {to_ns3_v6(prefix.address), ns3::Ipv6Prefix(128)});
    }
  }
  ipv4->SetUp(interface4_);
  ipv6->SetUp(interface6_);
}

void Ns3Tun::start_receive(PacketHandler handler) {
  WEFT_ASSERT(!handler_);
  handler_ = std::make_shared<PacketHandler>(std::move(handler));
}

std::size_t Ns3Tun::write(std::span<PacketSlot> packets) {
  if (!host_.powered()) return 0;
  for (const PacketSlot& item : packets) {
    const ByteView bytes = item.slot.bytes();
    if (bytes.empty()) continue;
    if (host_.tun_tap()) host_.tun_tap()(true, bytes);
    // Into ns-3's stack on a later turn, as everything else that the stack tells.
    host_.post([this, exists = exists_, packet = make_packet(bytes), protocol = ether_type(bytes)] {
      if (!*exists) return;
      device_->Receive(packet, protocol, device_->GetAddress(), device_->GetAddress(), ns3::NetDevice::PACKET_HOST);
    });
  }
  return packets.size();
}

bool Ns3Tun::transmit(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, const ns3::Address&, std::uint16_t) {
  if (!*exists_ || queue_.size() >= kQueueLimit) return false;
  queue_.push_back(bytes_of(*packet));
  if (host_.tun_tap()) host_.tun_tap()(false, queue_.back());
  if (std::exchange(flush_posted_, true)) return true;
  host_.post([this, exists = exists_] {
    if (*exists) flush();
  });
  return true;
}

void Ns3Tun::flush() {
  flush_posted_ = false;
  const auto exists = exists_;
  const auto handler = handler_;
  std::deque<Bytes> batch = std::exchange(queue_, {});
  if (!handler) return;
  std::vector<PacketSlot> slots;
  for (std::size_t at = 0; at < batch.size() && *exists; at += slots.size()) {
    slots.clear();
    for (std::size_t i = at; i < std::min(batch.size(), at + kMaxBatch); ++i) {
      Bytes& packet = batch[i];
      const auto length = static_cast<std::uint32_t>(packet.size());
      packet.insert(packet.begin(), kHead, 0);
      packet.resize(packet.size() + kTail);
      PacketSlot slot;
      slot.slot = {packet.data(), static_cast<std::uint32_t>(packet.size()), kHead, length};
      slots.push_back(slot);
    }
    (*handler)(slots);
  }
}

void Ns3Tun::clear_routes() {
  auto routing4 = ns3::Ipv4StaticRoutingHelper().GetStaticRouting(host_.node()->GetObject<ns3::Ipv4>());
  for (std::uint32_t i = routing4->GetNRoutes(); i-- > 0;) {
    if (routing4->GetRoute(i).GetInterface() == interface4_) routing4->RemoveRoute(i);
  }
  auto routing6 = ns3::Ipv6StaticRoutingHelper().GetStaticRouting(host_.node()->GetObject<ns3::Ipv6>());
  for (std::uint32_t i = routing6->GetNRoutes(); i-- > 0;) {
    if (routing6->GetRoute(i).GetInterface() == interface6_) routing6->RemoveRoute(i);
  }
}

Result<void> Ns3Tun::set_routes(const std::vector<Prefix>& routes) {
  clear_routes();
  auto routing4 = ns3::Ipv4StaticRoutingHelper().GetStaticRouting(host_.node()->GetObject<ns3::Ipv4>());
  auto routing6 = ns3::Ipv6StaticRoutingHelper().GetStaticRouting(host_.node()->GetObject<ns3::Ipv6>());
  for (const Prefix& route : routes) {
    if (route.address.is_v4()) {
      const ns3::Ipv4Mask mask(route.length == 0 ? 0 : 0xFFFFFFFFu << (32 - route.length));
      routing4->AddNetworkRouteTo(to_ns3_v4(route.address), mask, interface4_);
    } else {
      routing6->AddNetworkRouteTo(to_ns3_v6(route.address), ns3::Ipv6Prefix(static_cast<std::uint8_t>(route.length)),
                                  interface6_);
    }
  }
  return {};
}

}  // namespace weft::stack

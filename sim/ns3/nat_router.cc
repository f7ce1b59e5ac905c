// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/nat_router.h"

#include <algorithm>
#include <utility>

#include "sim/fabric/event_loop.h"
#include "sim/ns3/convert.h"

namespace weft::stack {
namespace {

void send(ns3::Ptr<ns3::NetDevice> device, ByteView packet) {
  device->Send(make_packet(packet), device->GetBroadcast(), ether_type(packet));
}

}  // namespace

NatRouter::NatRouter(fabric::EventLoop& loop, const nat::Behavior& behavior, std::vector<IpAddress> external,
                     std::uint64_t seed, const std::string& name)
    : loop_(loop),
      random_(seed, "nat/" + name),
      nat_(std::make_unique<nat::Nat>(behavior, std::move(external), random_)),
      node_(ns3::CreateObject<ns3::Node>()) {}

void NatRouter::connect(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside) {
  inside_ = inside;
  outside_ = outside;
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    for (const auto& device : {inside, outside}) {
      node_->RegisterProtocolHandler(ns3::MakeCallback(&NatRouter::receive, this), protocol, device);
    }
  }
}

void NatRouter::set_behavior(const nat::Behavior& behavior) {
  nat_ = std::make_unique<nat::Nat>(behavior, nat_->external(), random_);
  set_inside_address(inside_address_);
}

void NatRouter::set_inside_address(const IpAddress& address) {
  inside_address_ = address;
  if (!address.is_unspecified()) nat_->set_inside_address(address);
}

bool NatRouter::translates(IpFamily family) const {
  return nat_->behavior().translation == nat::Translation::nat &&
         std::ranges::find(nat_->external(), family, &IpAddress::family) != nat_->external().end();
}

void NatRouter::receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t,
                        const ns3::Address&, const ns3::Address&, ns3::NetDevice::PacketType) {
  Bytes bytes = bytes_of(*packet);
  const auto side = device == inside_ ? nat::Side::inside : nat::Side::outside;
  const auto outcome = nat_->translate(loop_.now(), side, bytes);
  const auto& way = outcome.action == nat::Outcome::Action::forward_out ? outside_ : inside_;
  if (outcome.forwarded() && outcome.packets.empty()) send(way, bytes);
  for (const Bytes& translated : outcome.packets) send(way, translated);
  if (outcome.reply) send(device, *outcome.reply);
}

}  // namespace weft::stack

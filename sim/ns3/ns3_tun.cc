// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_tun.h"

#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4-static-routing.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-static-routing-helper.h>
#include <ns3/ipv6-static-routing.h>
#include <ns3/ipv6.h>

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/event_loop.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/flow_marks.h"
#include "sim/ns3/node.h"
#include "sim/trace/recorder.h"

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
  for (const Prefix& prefix : options_.addresses) add_address(host_.node(), device_, prefix.address);
  host_.node()->GetObject<ns3::Ipv4>()->SetUp(interface4_);
  host_.node()->GetObject<ns3::Ipv6>()->SetUp(interface6_);
}

Ns3Tun::~Ns3Tun() {
  *exists_ = false;
  std::vector<IpAddress> addresses;
  for (const Prefix& prefix : options_.addresses) addresses.push_back(prefix.address);
  remove_device(host_.node(), device_, addresses);
  host_.give_back_tun_device(options_.name);
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
    const std::uint64_t before = host_.loop().cause();
    auto packet = make_packet(bytes);
    if (const auto* recorder = host_.recorder()) {
      host_.loop().set_cause(record(tracing::Kind::inner_received, recorder->cause_of(bytes.data(), before), bytes));
    }
    if (host_.marks() != nullptr) {
      if (const auto origin = host_.marks()->take(bytes)) carry_tags(*origin, packet);
    }
    // Into ns-3's stack on a later turn, as everything else that the stack tells.
    host_.post([this, exists = exists_, packet, protocol = ether_type(bytes)] {
      if (!*exists) return;
      device_->Receive(packet, protocol, device_->GetAddress(), device_->GetAddress(), ns3::NetDevice::PACKET_HOST);
    });
    host_.loop().set_cause(before);
  }
  return packets.size();
}

bool Ns3Tun::transmit(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, const ns3::Address&, std::uint16_t) {
  if (!*exists_) return false;
  Bytes bytes = bytes_of(*packet);
  const bool fits = queue_.size() < kQueueLimit;
  std::uint64_t event = 0;
  if (host_.recorder() != nullptr) {
    event = record(tracing::Kind::inner_sent, host_.loop().cause(), bytes);
    if (!fits) record(tracing::Kind::dropped, event, bytes, "queue_full");
  }
  if (!fits) return false;
  if (host_.marks() != nullptr) host_.marks()->keep(bytes, packet);
  queue_.push_back({std::move(bytes), event});
  if (host_.tun_tap()) host_.tun_tap()(false, queue_.back().bytes);
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
  std::deque<Waiting> batch = std::exchange(queue_, {});
  if (!handler) return;
  std::vector<PacketSlot> slots;
  for (std::size_t at = 0; at < batch.size() && *exists; at += slots.size()) {
    slots.clear();
    tracing::Recorder::Batch held(host_.recorder());
    host_.loop().set_cause(batch[at].event);
    for (std::size_t i = at; i < std::min(batch.size(), at + kMaxBatch); ++i) {
      Bytes& packet = batch[i].bytes;
      const auto length = static_cast<std::uint32_t>(packet.size());
      packet.insert(packet.begin(), kHead, 0);
      packet.resize(packet.size() + kTail);
      PacketSlot slot;
      slot.slot = {packet.data(), static_cast<std::uint32_t>(packet.size()), kHead, length};
      slots.push_back(slot);
      held.hold(packet.data(), packet.size(), batch[i].event);
    }
    (*handler)(slots);
  }
}

Result<void> Ns3Tun::set_routes(const std::vector<Prefix>& routes) {
  clear_routes(host_.node(), device_);
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

std::uint64_t Ns3Tun::record(tracing::Kind kind, std::uint64_t cause, ByteView packet, std::string_view reason) {
  return host_.recorder()->record({.cause = cause,
                                   .at = host_.loop().now(),
                                   .node = host_.number(),
                                   .kind = kind,
                                   .interface = tracing::Interface::tun,
                                   .packet = packet,
                                   .reason = reason});
}

}  // namespace weft::stack

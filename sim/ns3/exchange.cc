// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/exchange.h"

#include <ns3/boolean.h>
#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/mac48-address.h>
#include <ns3/nstime.h>
#include <ns3/queue-size.h>
#include <ns3/simple-channel.h>
#include <ns3/simple-net-device.h>

#include <utility>

#include "sim/fabric/event_loop.h"
#include "sim/fabric/headers.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/wire_log.h"

namespace weft::stack {
namespace {

constexpr std::uint16_t kMtu = 1500;
constexpr std::uint64_t kMillion = 1'000'000;

/// One end of a link. Its hardware address comes from the node's number: ns-3's own counter outlives a simulation.
ns3::Ptr<ns3::SimpleNetDevice> make_device(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::SimpleChannel> channel,
                                           std::uint64_t rate_bps) {
  auto device = ns3::CreateObject<ns3::SimpleNetDevice>();
  device->SetAttribute("PointToPointMode", ns3::BooleanValue(true));
  device->SetAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(rate_bps)));
  auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
  queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::BYTES, 128 * 1024));
  device->SetQueue(queue);
  device->SetMtu(kMtu);
  const std::uint32_t number = node->GetId() << 8 | node->GetNDevices();
  std::uint8_t address[6] = {2, 0};
  store_u32be(address + 2, number);
  ns3::Mac48Address mac;
  mac.CopyFrom(address);
  device->SetAddress(mac);
  device->SetChannel(channel);
  node->AddDevice(device);
  return device;
}

/// Routers have addresses of the benchmarking ranges (RFC 2544, RFC 5180), as in the fabric.
IpAddress router_address(IpFamily family, std::uint16_t region, int hop) {
  const auto last = static_cast<std::uint8_t>(hop), low = static_cast<std::uint8_t>(region);
  if (family == IpFamily::v4) return IpAddress::v4(198, 18, low, last);
  return IpAddress::v6(
      {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(region >> 8), low, 0, 0, 0, last});
}

}  // namespace

Exchange::Exchange(fabric::EventLoop& loop, WireLog& log, sim::RegionPlan plan, std::uint64_t seed, std::string name)
    : loop_(loop),
      log_(log),
      plan_(std::move(plan)),
      seed_(seed),
      name_(std::move(name)),
      node_(ns3::CreateObject<ns3::Node>()) {}

Exchange::~Exchange() = default;

Exchange::Attachment Exchange::attach(const PortPlan& plan) {
  auto channel = ns3::CreateObject<ns3::SimpleChannel>();
  channel->SetAttribute("Delay", ns3::TimeValue(ns3::NanoSeconds(plan.link.delay.count())));
  auto near = make_device(node_, channel, plan.link.down_bps);
  auto far = make_device(plan.node, channel, plan.link.up_bps);
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    node_->RegisterProtocolHandler(ns3::MakeCallback(&Exchange::receive, this), protocol, near);
  }
  const auto number = static_cast<PortNumber>(ports_.size());
  ports_.push_back({plan, near, SeededRandom(seed_, "link/" + plan.name + "/up"),
                    SeededRandom(seed_, "link/" + plan.name + "/down")});
  return {number, far};
}

bool Exchange::announce(const IpAddress& address, PortNumber port) { return addresses_.emplace(address, port).second; }

void Exchange::set_default(PortNumber port, const Prefix& on_link) {
  default_port_ = port;
  on_link_ = on_link;
}

void Exchange::receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t,
                       const ns3::Address&, const ns3::Address&, ns3::NetDevice::PacketType) {
  const PortNumber from = device->GetIfIndex();
  Port& port = ports_[from];
  Bytes bytes = bytes_of(*packet);
  const IpAddress destination = fabric::destination_of(bytes);
  if (destination.is_multicast() || destination.is_link_local()) return;  // ends on its own link, where nobody else is
  note(port, fabric::Direction::sent, fabric::DropReason::none, bytes);
  const bool lost = port.plan.link.loss_ppm != 0 && port.up_loss.chance(port.plan.link.loss_ppm, kMillion);
  if (!port.up) return note(port, fabric::Direction::dropped, fabric::DropReason::link_down, bytes);
  if (lost) return note(port, fabric::Direction::dropped, fabric::DropReason::link_loss, bytes);
  forward(std::move(bytes), from);
}

std::optional<Exchange::PortNumber> Exchange::find(const IpAddress& destination, PortNumber from) const {
  if (const auto found = addresses_.find(destination); found != addresses_.end()) return found->second;
  if (default_port_ && *default_port_ != from && !on_link_.contains(destination)) return default_port_;
  return std::nullopt;
}

Duration Exchange::delay(const Port& from, const Port& to) const {
  return plan_.delay[from.plan.region][to.plan.region];
}

void Exchange::forward(Bytes packet, PortNumber from) {
  Port& near = ports_[from];
  const auto to = find(fabric::destination_of(packet), from);
  if (!to) return report(std::move(packet), from, 1, false);
  Port& far = ports_[*to];
  if (fabric::ttl_of(packet) <= plan_.hops) return report(std::move(packet), from, fabric::ttl_of(packet), true);
  if (plan_.loss_ppm != 0 && region_random(near.plan.region, far.plan.region).chance(plan_.loss_ppm, kMillion)) {
    return note(near, fabric::Direction::dropped, fabric::DropReason::region_loss, packet);
  }
  if (plan_.hops != 0) fabric::decrement_ttl(packet, static_cast<std::uint8_t>(plan_.hops));
  loop_.at(loop_.now() + delay(near, far), [this, number = *to, moved = std::move(packet)] { deliver(moved, number); });
}

void Exchange::deliver(ByteView packet, PortNumber to) {
  Port& port = ports_[to];
  const bool lost = port.plan.link.loss_ppm != 0 && port.down_loss.chance(port.plan.link.loss_ppm, kMillion);
  if (!port.up) return note(port, fabric::Direction::dropped, fabric::DropReason::link_down, packet);
  if (lost) return note(port, fabric::Direction::dropped, fabric::DropReason::link_loss, packet);
  note(port, fabric::Direction::received, fabric::DropReason::none, packet);
  port.device->Send(make_packet(packet), port.device->GetBroadcast(), ether_type(packet));
}

void Exchange::report(Bytes packet, PortNumber from, int hop, bool expired) {
  Port& near = ports_[from];
  note(near, fabric::Direction::dropped, expired ? fabric::DropReason::ttl_expired : fabric::DropReason::no_route,
       packet);
  const IpAddress reporter = router_address(fabric::destination_of(packet).family(), near.plan.region, hop);
  const auto reason = expired ? fabric::IcmpReason::time_exceeded : fabric::IcmpReason::no_route;
  auto reply = fabric::make_icmp_error(reporter, packet, reason);
  if (!reply) return;
  const Duration there = plan_.hops == 0 ? delay(near, near) : delay(near, near) * hop / plan_.hops;
  loop_.at(loop_.now() + 2 * there, [this, from, moved = std::move(*reply)] { deliver(moved, from); });
}

void Exchange::note(const Port& port, fabric::Direction direction, fabric::DropReason reason, ByteView packet) {
  log_.note({loop_.now(), port.plan.owner, port.plan.interface, direction, reason, packet}, 0);
}

SeededRandom& Exchange::region_random(std::uint16_t from, std::uint16_t to) {
  const std::string stream = name_ + "/region/" + std::to_string(from) + "/" + std::to_string(to);
  return region_randoms_.try_emplace({from, to}, SeededRandom(seed_, stream)).first->second;
}

}  // namespace weft::stack

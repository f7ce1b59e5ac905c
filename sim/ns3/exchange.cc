// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/exchange.h"

#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/mac48-address.h>
#include <ns3/nstime.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/queue-size.h>

#include <algorithm>
#include <utility>

#include "sim/fabric/event_loop.h"
#include "sim/fabric/headers.h"
#include "sim/ns3/cause_tag.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/fq_codel_queue.h"
#include "sim/ns3/wire_log.h"

namespace weft::stack {
namespace {

constexpr std::uint16_t kMtu = 1500;
constexpr std::uint64_t kMillion = 1'000'000;

constexpr std::uint64_t kUnlimited = 1'000'000'000'000'000'000;  // bit/s: a packet takes no nanosecond
constexpr std::uint32_t kQueueBytes = 128 * 1024;
constexpr std::uint64_t kBitNanoseconds = 8'000'000'000;  // a byte at 1 bit/s

std::uint64_t rate_of(std::uint64_t bps) { return bps == 0 ? kUnlimited : bps; }

/// A queue in time is one in bytes at the link's rate.
std::uint32_t queue_bytes(const sim::LinkPlan& link, std::uint64_t bps) {
  if (link.queue == Duration{0} || bps == 0) return kQueueBytes;
  const auto bytes = static_cast<std::uint64_t>(link.queue.count()) / 1000 * bps / (kBitNanoseconds / 1000);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, kMtu, 1u << 30));
}

/// One end of a link, whose kind of queue stays. Its hardware address comes from the node's number: ns-3's own counter
/// outlives a simulation.
ns3::Ptr<ns3::PointToPointNetDevice> make_device(ns3::Ptr<ns3::Node> node, bool fq_codel) {
  auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
  if (fq_codel) {
    device->SetQueue(ns3::CreateObject<FqCodelQueue>());
  } else {
    device->SetQueue(ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>());
  }
  const std::uint32_t number = node->GetId() << 8 | node->GetNDevices();
  std::uint8_t address[6] = {2, 0};
  store_u32be(address + 2, number);
  ns3::Mac48Address mac;
  mac.CopyFrom(address);
  device->SetAddress(mac);
  node->AddDevice(device);
  device->SetMtu(kMtu);
  return device;
}

void shape(ns3::Ptr<ns3::NetDevice> end, const sim::LinkPlan& link, std::uint64_t bps) {
  auto device = ns3::DynamicCast<ns3::PointToPointNetDevice>(end);
  device->SetDataRate(ns3::DataRate(rate_of(bps)));
  const auto queue = device->GetQueue();
  const std::uint32_t bytes = std::max(queue_bytes(link, bps), queue->GetNBytes());  // never below what waits
  queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::BYTES, bytes));
}

/// Routers have addresses of the benchmarking ranges (RFC 2544, RFC 5180), as in the fabric.
IpAddress router_address(IpFamily family, std::uint16_t region, int hop) {
  const auto last = static_cast<std::uint8_t>(hop), low = static_cast<std::uint8_t>(region);
  if (family == IpFamily::v4) return IpAddress::v4(198, 18, low, last);
  return IpAddress::v6(
      {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(region >> 8), low, 0, 0, 0, last});
}

}  // namespace

Exchange::Exchange(fabric::EventLoop& loop, WireLog& log, const sim::RegionPlan& plan, std::uint64_t seed,
                   std::string name)
    : loop_(loop),
      log_(log),
      hops_(plan.hops),
      seed_(seed),
      name_(std::move(name)),
      node_(ns3::CreateObject<ns3::Node>()) {
  for (const auto& row : plan.delay) {
    auto& paths = paths_.emplace_back();
    for (const Duration delay : row) paths.push_back({.delay = delay, .loss_ppm = plan.loss_ppm});
  }
}

Exchange::~Exchange() = default;

Exchange::Attachment Exchange::attach(const PortPlan& plan) {
  auto channel = ns3::CreateObject<ns3::PointToPointChannel>();
  auto near = make_device(node_, plan.link.fq_codel), far = make_device(plan.node, plan.link.fq_codel);
  near->Attach(channel);
  far->Attach(channel);
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    node_->RegisterProtocolHandler(ns3::MakeCallback(&Exchange::receive, this), protocol, near);
  }
  const auto number = static_cast<PortNumber>(ports_.size());
  const std::string stream = "link/" + plan.name;
  ports_.push_back({plan, near, far, LinkWeather(seed_, stream + "/up"), LinkWeather(seed_, stream + "/down")});
  set_link(number, plan.link);
  return {number, far};
}

void Exchange::set_link(PortNumber number, const sim::LinkPlan& link) {
  Port& port = ports_[number];
  port.plan.link = link;
  shape(port.device, link, link.down_bps);
  shape(port.far, link, link.up_bps);
  port.device->GetChannel()->SetAttribute("Delay", ns3::TimeValue(ns3::NanoSeconds(link.delay.count())));
}

void Exchange::set_path(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path) {
  paths_[from][to] = path;
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
  Transit transit{bytes_of(*packet), packet, cause_of(*packet)};
  const IpAddress destination = fabric::destination_of(transit.bytes);
  if (destination.is_link_local()) return;  // ends on its own link, where nobody else is
  const bool wanted =
      std::ranges::find(groups_, destination, &std::pair<IpAddress, PortNumber>::first) != groups_.end();
  if (destination.is_multicast() && !wanted) return;
  transit.cause = note(port, fabric::Direction::sent, transit);
  const bool lost = port.up_weather.loses(port.plan.link);
  if (!port.up) return void(note(port, fabric::Direction::dropped, transit, fabric::DropReason::link_down));
  if (lost) return void(note(port, fabric::Direction::dropped, transit, fabric::DropReason::link_loss));
  enter(std::move(transit), from);
}

/// The near link's jitter, if it has any.
void Exchange::enter(Transit packet, PortNumber from) {
  Port& port = ports_[from];
  if (port.plan.link.jitter == Duration{0}) return forward(std::move(packet), from);
  loop_.at(port.up_weather.arrival(loop_.now(), port.plan.link),
           [this, from, moved = std::move(packet)] { forward(moved, from); });
}

std::optional<Exchange::PortNumber> Exchange::find(const IpAddress& destination, PortNumber from) const {
  if (const auto found = addresses_.find(destination); found != addresses_.end()) return found->second;
  if (default_port_ && *default_port_ != from && !on_link_.contains(destination)) return default_port_;
  return std::nullopt;
}

sim::RegionPathPlan& Exchange::path(const Port& from, const Port& to) {
  return paths_[from.plan.region][to.plan.region];
}

void Exchange::forward(Transit packet, PortNumber from) {
  Port& near = ports_[from];
  const IpAddress destination = fabric::destination_of(packet.bytes);
  if (destination.is_multicast()) return to_group(packet, destination, from);
  const auto to = find(destination, from);
  if (!to) return report(std::move(packet), from, 1, false);
  Port& far = ports_[*to];
  const sim::RegionPathPlan& way = path(near, far);
  if (way.cut) return void(note(near, fabric::Direction::dropped, packet, fabric::DropReason::partition));
  const std::uint8_t ttl = fabric::ttl_of(packet.bytes);
  if (ttl <= hops_) return report(std::move(packet), from, ttl, true);
  if (way.loss_ppm != 0 && region_random(near.plan.region, far.plan.region).chance(way.loss_ppm, kMillion)) {
    return void(note(near, fabric::Direction::dropped, packet, fabric::DropReason::region_loss));
  }
  if (hops_ != 0) fabric::decrement_ttl(packet.bytes, static_cast<std::uint8_t>(hops_));
  loop_.at(loop_.now() + way.delay, [this, number = *to, moved = std::move(packet)] { arrive(moved, number); });
}

/// Multicast stays in its realm.
void Exchange::to_group(const Transit& packet, const IpAddress& group, PortNumber from) {
  for (const auto& [joined, member] : groups_) {
    if (joined != group || member == from) continue;
    loop_.at(loop_.now() + path(ports_[from], ports_[member]).delay,
             [this, packet, number = member] { arrive(packet, number); });
  }
}

/// Before the far link.
void Exchange::arrive(const Transit& packet, PortNumber to) {
  Port& port = ports_[to];
  const bool lost = port.down_weather.loses(port.plan.link);
  if (!port.up) return void(note(port, fabric::Direction::dropped, packet, fabric::DropReason::link_down));
  if (lost) return void(note(port, fabric::Direction::dropped, packet, fabric::DropReason::link_loss));
  if (port.plan.link.jitter == Duration{0}) return deliver(packet, to);
  loop_.at(port.down_weather.arrival(loop_.now(), port.plan.link), [this, packet, to] { deliver(packet, to); });
}

void Exchange::deliver(const Transit& packet, PortNumber to) {
  Port& port = ports_[to];
  auto made = make_packet(packet.bytes);
  if (packet.origin) carry_tags(*packet.origin, made);
  const std::uint64_t received = note(port, fabric::Direction::received, packet);
  set_cause(made, received);
  port.device->Send(made, port.device->GetBroadcast(), ether_type(packet.bytes));
}

void Exchange::report(Transit packet, PortNumber from, int hop, bool expired) {
  Port& near = ports_[from];
  const auto dropped = note(near, fabric::Direction::dropped, packet,
                            expired ? fabric::DropReason::ttl_expired : fabric::DropReason::no_route);
  const IpAddress reporter = router_address(fabric::destination_of(packet.bytes).family(), near.plan.region, hop);
  const auto reason = expired ? fabric::IcmpReason::time_exceeded : fabric::IcmpReason::no_route;
  auto reply = fabric::make_icmp_error(reporter, packet.bytes, reason);
  if (!reply) return;
  const Duration whole = path(near, near).delay;
  const Duration there = hops_ == 0 ? whole : whole * hop / hops_;
  loop_.at(loop_.now() + 2 * there,
           [this, from, moved = Transit{std::move(*reply), nullptr, dropped}] { arrive(moved, from); });
}

std::uint64_t Exchange::note(const Port& port, fabric::Direction direction, const Transit& packet,
                             fabric::DropReason reason) {
  return log_.note({loop_.now(), port.plan.owner, port.plan.interface, direction, reason, packet.bytes}, packet.cause);
}

SeededRandom& Exchange::region_random(std::uint16_t from, std::uint16_t to) {
  const std::string stream = name_ + "/region/" + std::to_string(from) + "/" + std::to_string(to);
  return region_randoms_.try_emplace({from, to}, SeededRandom(seed_, stream)).first->second;
}

}  // namespace weft::stack

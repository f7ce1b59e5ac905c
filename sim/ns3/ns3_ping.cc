// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_ping.h"

#include <ns3/ipv4-raw-socket-factory.h>
#include <ns3/ipv6-raw-socket-factory.h>
#include <ns3/uinteger.h>

#include <string_view>

#include "sim/fabric/event_loop.h"
#include "sim/fabric/headers.h"
#include "sim/ns3/convert.h"

namespace weft::stack {
namespace {

constexpr std::uint8_t kRequest4 = 8, kReply4 = 0, kRequest6 = 128, kReply6 = 129;

/// Unlikely to be anything else.
constexpr std::string_view kCanary = "weft-canary/stack: no wire may show these fifty-six byte";

/// An echo request with 56 bytes, as ping(8) sends. ns-3 fills in an ICMPv6 checksum itself.
Bytes echo_request(bool v4, std::uint16_t identifier, std::uint16_t sequence) {
  Writer writer;
  writer.u8(v4 ? kRequest4 : kRequest6).u8(0).u16be(0).u16be(identifier).u16be(sequence);
  writer.bytes(as_bytes(kCanary));
  if (v4) writer.patch_u16be(2, fabric::internet_checksum(writer.view()));
  return writer.take();
}

}  // namespace

Bytes Ns3Ping::canary() { return to_bytes(as_bytes(kCanary)); }

Ns3Ping::Ns3Ping(Ns3Host& from, const sim::PingPlan& plan, std::uint16_t identifier)
    : from_(from), plan_(plan), identifier_(identifier) {
  const bool v4 = plan.destination.is_v4();
  socket_ = ns3::Socket::CreateSocket(
      from.node(), v4 ? ns3::Ipv4RawSocketFactory::GetTypeId() : ns3::Ipv6RawSocketFactory::GetTypeId());
  socket_->SetAttribute("Protocol", ns3::UintegerValue(v4 ? fabric::kIcmp : fabric::kIcmpV6));
  socket_->ShutdownRecv();
  if (plan_.count > 0) schedule(plan_.start);
}

Ns3Ping::~Ns3Ping() {
  *exists_ = false;
  socket_->Close();
}

void Ns3Ping::schedule(Time at) {
  from_.loop().at(at, [this, exists = exists_] {
    if (*exists) send();
  });
}

void Ns3Ping::send() {
  const auto sequence = static_cast<std::uint16_t>(samples_.size());
  samples_.push_back({.sent = from_.loop().now(), .arrived = std::nullopt, .answered = std::nullopt});
  if (samples_.size() < plan_.count) schedule(from_.loop().now() + plan_.interval);
  const Bytes request = echo_request(plan_.destination.is_v4(), identifier_, sequence);
  if (from_.powered()) socket_->SendTo(make_packet(request), 0, to_ns3({plan_.destination, 0}));
}

void Ns3Ping::passed(const Ns3Host& host, bool to_host, ByteView packet, Time now) {
  const auto ip = fabric::parse_ip(packet);
  if (!ip || ip->payload.size() < 8 || (ip->protocol != fabric::kIcmp && ip->protocol != fabric::kIcmpV6)) return;
  const bool v4 = ip->protocol == fabric::kIcmp;
  const std::uint8_t type = ip->payload[0];
  const std::uint16_t sequence = load_u16be(&ip->payload[6]);
  if (load_u16be(&ip->payload[4]) != identifier_ || sequence >= samples_.size() || !to_host) return;
  sim::PingSample& sample = samples_[sequence];
  if (type == (v4 ? kRequest4 : kRequest6) && ip->destination == plan_.destination && !sample.arrived)
    sample.arrived = now;
  if (type == (v4 ? kReply4 : kReply6) && &host == &from_ && !sample.answered) sample.answered = now;
}

}  // namespace weft::stack

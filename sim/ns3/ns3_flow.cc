// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_flow.h"

#include <ns3/application-container.h>
#include <ns3/bulk-send-helper.h>
#include <ns3/data-rate.h>
#include <ns3/nstime.h>
#include <ns3/on-off-helper.h>
#include <ns3/packet-sink-helper.h>
#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/udp-echo-helper.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <string>

#include "sim/ns3/convert.h"

namespace weft::stack {
namespace {

using Kind = sim::FlowPlan::Kind;

Time now() { return Time{Duration{ns3::Simulator::Now().GetTimeStep()}}; }

/// Applications count from when they are installed.
ns3::Time from_now(Time at) { return ns3::NanoSeconds(std::max<std::int64_t>((at - now()).count(), 0)); }

std::string constant(Duration duration) {
  const auto ns = duration.count();
  std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000);
  return "ns3::ConstantRandomVariable[Constant=" + std::to_string(ns / 1'000'000'000) + "." + fraction.substr(1) + "]";
}

ns3::ApplicationContainer bulk_send(ns3::Ptr<ns3::Node> node, const ns3::Address& to, const sim::FlowPlan& plan) {
  ns3::BulkSendHelper helper("ns3::TcpSocketFactory", to);
  helper.SetAttribute("MaxBytes", ns3::UintegerValue(plan.bytes));
  helper.SetAttribute("SendSize", ns3::UintegerValue(plan.packet));
  return helper.Install(node);
}

ns3::ApplicationContainer on_off(ns3::Ptr<ns3::Node> node, const ns3::Address& to, const sim::FlowPlan& plan) {
  ns3::OnOffHelper helper("ns3::UdpSocketFactory", to);
  helper.SetAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(plan.rate_bps)));
  helper.SetAttribute("PacketSize", ns3::UintegerValue(plan.packet));
  helper.SetAttribute("MaxBytes", ns3::UintegerValue(plan.bytes));
  helper.SetAttribute("OnTime", ns3::StringValue(constant(plan.on)));
  helper.SetAttribute("OffTime", ns3::StringValue(constant(plan.off)));
  return helper.Install(node);
}

ns3::ApplicationContainer udp_echo(ns3::Ptr<ns3::Node> node, const Endpoint& to, const sim::FlowPlan& plan) {
  ns3::UdpEchoClientHelper helper(to_ns3(to));
  helper.SetAttribute("MaxPackets", ns3::UintegerValue(plan.count));
  helper.SetAttribute("Interval", ns3::TimeValue(ns3::NanoSeconds(plan.interval.count())));
  helper.SetAttribute("PacketSize", ns3::UintegerValue(plan.packet));
  return helper.Install(node);
}

ns3::ApplicationContainer server(ns3::Ptr<ns3::Node> node, const Endpoint& at, Kind kind) {
  if (kind == Kind::udp_echo) return ns3::UdpEchoServerHelper(at.port).Install(node);
  const char* factory = kind == Kind::bulk_send ? "ns3::TcpSocketFactory" : "ns3::UdpSocketFactory";
  return ns3::PacketSinkHelper(factory, to_ns3({IpAddress::any(at.address.family()), at.port})).Install(node);
}

void note(sim::FlowSample& sample, std::uint32_t bytes) {
  sample.received += bytes;
  ++sample.packets;
  sample.last = now();
  if (!sample.first) sample.first = sample.last;
}

}  // namespace

Ns3Flow::Ns3Flow(ns3::Ptr<ns3::Node> from, ns3::Ptr<ns3::Node> to, const sim::FlowPlan& plan, std::uint16_t port) {
  const Endpoint remote{plan.destination, port};
  auto servers = server(to, remote, plan.kind);
  servers.Start(ns3::Seconds(0));
  auto clients = plan.kind == Kind::bulk_send ? bulk_send(from, to_ns3(remote), plan)
                 : plan.kind == Kind::on_off  ? on_off(from, to_ns3(remote), plan)
                                              : udp_echo(from, remote, plan);
  clients.Start(from_now(plan.start));
  if (plan.stop) clients.Stop(from_now(*plan.stop));
  if (plan.kind == Kind::udp_echo) {
    clients.Get(0)->TraceConnectWithoutContext("Rx", ns3::MakeBoundCallback(&Ns3Flow::echoed, sample_));
  } else {
    servers.Get(0)->TraceConnectWithoutContext("Rx", ns3::MakeBoundCallback(&Ns3Flow::received, sample_));
  }
}

Ns3Flow::~Ns3Flow() = default;

void Ns3Flow::received(SamplePtr sample, ns3::Ptr<const ns3::Packet> packet, const ns3::Address&) {
  note(*sample, packet->GetSize());
}

void Ns3Flow::echoed(SamplePtr sample, ns3::Ptr<const ns3::Packet> packet) { note(*sample, packet->GetSize()); }

}  // namespace weft::stack

// SPDX-License-Identifier: GPL-2.0-only
// Stock applications of ns-3 through two NATs, a home's behind a carrier's (NAT444):
//
//      client             home NAT              carrier NAT                server
//    10.1.0.2 ---------- | 100.64.0.2 -------- | 203.0.113.1 ------------ 203.0.113.9
//              5 Mb/s, 2 ms          10 Mb/s, 5 ms           100 Mb/s, 20 ms
//
// The client pings the server with UdpEchoClient and sends a file by BulkSendApplication; then the server, which has
// never been asked for it, tries to reach the client at the carrier's address. Attributes of the NATs are set as any
// others:
//
//    weft-ns3-nat-example --bytes=2000000 --weft::NatRouter::Mapping=AddressAndPortDependent
#include <ns3/bulk-send-helper.h>
#include <ns3/command-line.h>
#include <ns3/config.h>
#include <ns3/global-value.h>
#include <ns3/inet-socket-address.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4-static-routing.h>
#include <ns3/node-container.h>
#include <ns3/packet-sink-helper.h>
#include <ns3/packet-sink.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/udp-echo-helper.h>

#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "sim/ns3/nat_router/nat_router_helper.h"

namespace {

using weft::stack::NatRouter;
using weft::stack::NatRouterHelper;

constexpr std::uint16_t kEchoPort = 7, kBulkPort = 5001;

/// What the applications and the NATs have told.
struct Seen {
  std::uint32_t echoes = 0;
  std::set<std::string> clients_at_server;
  std::map<std::string, std::uint32_t> translated, dropped;  // by NAT, and reason
};

void on_echo(Seen* seen, ns3::Ptr<const ns3::Packet>) { ++seen->echoes; }

void on_request(Seen* seen, ns3::Ptr<const ns3::Packet>, const ns3::Address& from, const ns3::Address&) {
  const auto client = ns3::InetSocketAddress::ConvertFrom(from);
  char text[16];
  const std::uint32_t a = client.GetIpv4().Get();
  std::snprintf(text, sizeof text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
  seen->clients_at_server.insert(text);
}

void on_translate(Seen* seen, std::string nat, ns3::Ptr<const ns3::Packet>, ns3::Ptr<const ns3::Packet>, bool) {
  ++seen->translated[nat];
}

void on_drop(Seen* seen, std::string nat, ns3::Ptr<const ns3::Packet>, const std::string& reason, bool) {
  ++seen->dropped[nat + ": " + reason];
}

ns3::NetDeviceContainer link(ns3::Ptr<ns3::Node> a, ns3::Ptr<ns3::Node> b, const char* rate, const char* delay) {
  ns3::PointToPointHelper helper;
  helper.SetDeviceAttribute("DataRate", ns3::StringValue(rate));
  helper.SetChannelAttribute("Delay", ns3::StringValue(delay));
  return helper.Install(a, b);
}

/// A host with one address, which sends everything by its only device.
void set_up_host(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device, const char* network, const char* host) {
  ns3::InternetStackHelper().Install(node);
  ns3::Ipv4AddressHelper(network, "255.255.255.0", host).Assign(device);
  auto ipv4 = node->GetObject<ns3::Ipv4>();
  ns3::Ipv4StaticRoutingHelper().GetStaticRouting(ipv4)->SetDefaultRoute(
      ns3::Ipv4Address::GetAny(), static_cast<std::uint32_t>(ipv4->GetInterfaceForDevice(device)));
}

void watch(ns3::Ptr<NatRouter> router, Seen& seen, const std::string& name) {
  router->TraceConnectWithoutContext("Translate", ns3::MakeBoundCallback(&on_translate, &seen, name));
  router->TraceConnectWithoutContext("Drop", ns3::MakeBoundCallback(&on_drop, &seen, name));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t bytes = 1'000'000, echoes = 5;
  ns3::TypeId router_type = NatRouter::GetTypeId();  // so that the command line knows its attributes
  ns3::CommandLine command(__FILE__);
  command.Usage("UdpEcho and BulkSend through two NATs. Attributes: --PrintAttributes=" + router_type.GetName());
  command.AddValue("bytes", "What BulkSendApplication sends", bytes);
  command.AddValue("echoes", "How often UdpEchoClient asks", echoes);
  command.Parse(argc, argv);
  ns3::GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(true));
  ns3::Config::SetDefault("ns3::TcpSocket::SegmentSize", ns3::UintegerValue(1448));

  ns3::NodeContainer nodes(4);  // client, home NAT, carrier NAT, server
  const auto client = nodes.Get(0), server = nodes.Get(3);
  const auto home_link = link(client, nodes.Get(1), "5Mbps", "2ms");
  const auto carrier_link = link(nodes.Get(1), nodes.Get(2), "10Mbps", "5ms");
  const auto server_link = link(nodes.Get(2), server, "100Mbps", "20ms");
  set_up_host(client, home_link.Get(0), "10.1.0.0", "0.0.0.2");
  set_up_host(server, server_link.Get(1), "203.0.113.0", "0.0.0.9");
  const NatRouterHelper nat;
  auto home = nat.Install(home_link.Get(1), carrier_link.Get(0), "100.64.0.2");
  auto carrier = nat.Install(carrier_link.Get(1), server_link.Get(0), "203.0.113.1");
  NatRouterHelper::AssignStreams({home, carrier}, 100);

  Seen seen;
  watch(home, seen, "home NAT");
  watch(carrier, seen, "carrier NAT");
  auto echo_server = ns3::UdpEchoServerHelper(kEchoPort).Install(server);
  echo_server.Get(0)->TraceConnectWithoutContext("RxWithAddresses", ns3::MakeBoundCallback(&on_request, &seen));
  ns3::UdpEchoClientHelper asking(ns3::Ipv4Address("203.0.113.9"), kEchoPort);
  asking.SetAttribute("MaxPackets", ns3::UintegerValue(echoes));
  auto echo_client = asking.Install(client);
  echo_client.Get(0)->TraceConnectWithoutContext("Rx", ns3::MakeBoundCallback(&on_echo, &seen));
  ns3::InetSocketAddress any(ns3::Ipv4Address::GetAny(), kBulkPort), there(ns3::Ipv4Address("203.0.113.9"), kBulkPort);
  auto sink = ns3::PacketSinkHelper("ns3::TcpSocketFactory", any).Install(server);
  ns3::BulkSendHelper sending("ns3::TcpSocketFactory", there);
  sending.SetAttribute("MaxBytes", ns3::UintegerValue(bytes));
  sending.Install(client).Start(ns3::Seconds(1));
  ns3::UdpEchoClientHelper intruding(ns3::Ipv4Address("203.0.113.1"), kEchoPort);
  intruding.SetAttribute("MaxPackets", ns3::UintegerValue(3));
  intruding.Install(server).Start(ns3::Seconds(2));

  ns3::Simulator::Stop(ns3::Seconds(60));
  ns3::Simulator::Run();
  std::printf("echo: %u sent, %u answered; the server sees", echoes, seen.echoes);
  for (const std::string& address : seen.clients_at_server) std::printf(" %s", address.c_str());
  std::printf("\nbulk: %llu of %u bytes arrived\n",
              static_cast<unsigned long long>(ns3::DynamicCast<ns3::PacketSink>(sink.Get(0))->GetTotalRx()), bytes);
  for (const auto& [name, router] : {std::pair{"home NAT", home}, std::pair{"carrier NAT", carrier}}) {
    std::printf("%s: %llu mappings made, %u packets translated\n", name,
                static_cast<unsigned long long>(router->GetNat().counters().mappings_created), seen.translated[name]);
  }
  for (const auto& [what, count] : seen.dropped) std::printf("dropped by %s: %u\n", what.c_str(), count);
  ns3::Simulator::Destroy();
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <ns3/boolean.h>
#include <ns3/ipv4-raw-socket-factory.h>
#include <ns3/socket.h>
#include <ns3/uinteger.h>

#include "sim/ns3/convert.h"
#include "sim/ns3/stack_world.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

/// Two full ns-3 nodes, 8 hops and 2 ms apart.
class Ns3World final : public ContractWorld {
 public:
  Ns3World() : world_({.seed = 7, .regions = {.delay = {{2ms}}, .loss_ppm = 0, .hops = 8}}) {
    left_ = add("left", "192.0.2.1", "2001:db8::1");
    right_ = add("right", "192.0.2.2", "2001:db8::2");
    left_host().set_tun_tap([this](bool to_host, ByteView packet) {
      if (to_host) received_.push_back(to_bytes(packet));
    });
  }
  ContractHost left() override { return left_; }
  ContractHost right() override { return right_; }
  bool run_until(const std::function<bool()>& done, Duration limit) override {
    return world_.run_until(done, world_.now() + limit);
  }
  std::uint8_t hops() const override { return 8; }
  std::size_t mtu() const override { return 1500; }
  bool has_tun() const override { return true; }
  /// By a raw socket with the header included, so that ns-3 routes it into the device.
  void send_from_application(const Bytes& packet) override {
    auto socket = ns3::Socket::CreateSocket(left_host().node(), ns3::Ipv4RawSocketFactory::GetTypeId());
    socket->SetAttribute("IpHeaderInclude", ns3::BooleanValue(true));
    const Endpoint destination{*IpAddress::from_bytes(ByteView(packet).subspan(16, 4)), 0};
    EXPECT_GE(socket->SendTo(stack::make_packet(packet), 0, stack::to_ns3(destination)), 0);
  }
  std::vector<Bytes> received_by_application() override { return received_; }

 private:
  ContractHost add(const char* name, const char* v4, const char* v6) {
    ContractHost host{.host = nullptr, .v4 = *IpAddress::parse(v4), .v6 = *IpAddress::parse(v6)};
    sim::HostPlan plan;
    plan.name = name;
    plan.addresses = {host.v4, host.v6};
    host.host = &world_.add_host(plan);
    return host;
  }
  stack::Ns3Host& left_host() { return static_cast<stack::Ns3Host&>(*left_.host); }

  stack::StackWorld world_;
  ContractHost left_, right_;
  std::vector<Bytes> received_;
};

}  // namespace

std::unique_ptr<ContractWorld> make_contract_world() { return std::make_unique<Ns3World>(); }

}  // namespace weft::contract

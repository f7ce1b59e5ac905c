// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/applications.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

/// Two hosts of the simulated Internet, 8 hops and 2 ms apart.
class FabricWorld final : public ContractWorld {
 public:
  FabricWorld() {
    left_ = add("left", "192.0.2.1", "2001:db8::1");
    right_ = add("right", "192.0.2.2", "2001:db8::2");
    left_host().applications().add_receiver([this](ByteView packet) { received_.push_back(to_bytes(packet)); });
  }
  ContractHost left() override { return left_; }
  ContractHost right() override { return right_; }
  bool run_until(const std::function<bool()>& done, Duration limit) override {
    return network_.run_until(done, network_.now() + limit);
  }
  std::uint8_t hops() const override { return 8; }
  std::size_t mtu() const override { return 1500; }
  bool has_tun() const override { return true; }
  void send_from_application(const Bytes& packet) override { EXPECT_TRUE(left_host().applications().send(packet)); }
  std::vector<Bytes> received_by_application() override { return received_; }

 private:
  ContractHost add(const char* name, const char* v4, const char* v6) {
    ContractHost host{.v4 = *IpAddress::parse(v4), .v6 = *IpAddress::parse(v6)};
    host.host = &network_.add_host({.name = name, .addresses = {host.v4, host.v6}});
    return host;
  }
  fabric::FabricHost& left_host() { return network_.host(0); }

  fabric::Network network_{{.seed = 7}};
  ContractHost left_, right_;
  std::vector<Bytes> received_;
};

}  // namespace

std::unique_ptr<ContractWorld> make_contract_world() { return std::make_unique<FabricWorld>(); }

}  // namespace weft::contract

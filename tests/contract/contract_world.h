// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/io/host.h"
#include "mesh/io/tun_device.h"

namespace weft::contract {

/// A host under test and the addresses by which the other one reaches it.
struct ContractHost {
  io::Host* host = nullptr;
  IpAddress v4, v6;
  const IpAddress& address(IpFamily family) const { return family == IpFamily::v4 ? v4 : v6; }
};

/// What the suite needs of a world: two hosts without NAT or loss between them, and time that goes on. Each test makes
/// one.
class ContractWorld {
 public:
  virtual ~ContractWorld() = default;
  /// left and right; in a small world both may live on one machine with different addresses.
  virtual ContractHost left() = 0;
  virtual ContractHost right() = 0;
  /// Runs the event loop of both until `done()` holds; false if `limit` (by the hosts' clock) came first.
  virtual bool run_until(const std::function<bool()>& done, Duration limit) = 0;

  /// Routers between the two that decrement the TTL.
  virtual std::uint8_t hops() const = 0;
  /// Largest IP packet that the hosts' interface takes.
  virtual std::size_t mtu() const = 0;

  /// The side of a TUN device of `left` on which programs stand. False or nothing where the world has none: then the
  /// TUN tests are skipped.
  virtual bool has_tun() const { return false; }
  virtual void send_from_application(const Bytes& /*packet*/) {}
  /// What the device's user has written, in order.
  virtual std::vector<Bytes> received_by_application() { return {}; }
};

/// Defined once in each WORLD_world.cc.
std::unique_ptr<ContractWorld> make_contract_world();

/// The base of every contract test.
class HostContract : public testing::Test {
 protected:
  HostContract() : world_(make_contract_world()), left_(world_->left()), right_(world_->right()) {}

  bool run_until(const std::function<bool()>& done, Duration limit = 5s) { return world_->run_until(done, limit); }
  /// Lets `duration` pass.
  void run_for(Duration duration) {
    world_->run_until([] { return false; }, duration);
  }

  std::unique_ptr<ContractWorld> world_;
  ContractHost left_, right_;
};

}  // namespace weft::contract

// SPDX-License-Identifier: GPL-2.0-only
// The models of netfilter against the netfilter of this kernel: the same packets through both, which must pass the same
// ones, keep the same ports and give out fresh ones at the same moments. The whole of a run takes less than the
// shortest lifetime.
#include <gtest/gtest.h>

#include <map>

#include "sim/nat/model.h"
#include "tests/differential/netfilter/kernel_gateway.h"
#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Wait = test::KernelGateway::Wait;

/// Ports that both chose at random, as pairs.
class PortPairs {
 public:
  /// Whether `model` and `kernel` may stand for each other; new pairs are remembered.
  bool match(const Endpoint& model, const Endpoint& kernel) {
    const auto [there, fresh] = to_kernel_.try_emplace(model, kernel);
    const auto [back, fresh_too] = to_model_.try_emplace(kernel, model);
    return fresh == fresh_too && there->second == kernel && back->second == model;
  }
  Endpoint kernel_of(const Endpoint& model) const {
    const auto found = to_kernel_.find(model);
    return found == to_kernel_.end() ? model : found->second;
  }

 private:
  std::map<Endpoint, Endpoint> to_kernel_, to_model_;
};

Endpoint endpoint(const char* network, std::uint64_t host, std::uint64_t port) {
  Endpoint made = ep(network);
  made.address = IpAddress::v4(made.address.v4_host_order() + static_cast<std::uint32_t>(host));
  made.port = static_cast<std::uint16_t>(made.port + port);
  return made;
}

void compare(const std::string& name, const test::KernelGateway::Rules& rules, std::uint64_t seed) {
  const auto behavior = load_model(WEFT_SOURCE_DIR "/nat-models/" + name + ".json");
  ASSERT_TRUE(behavior) << behavior.error().message;
  test::KernelGateway kernel(rules);
  if (!kernel.ready()) GTEST_SKIP() << "NOT RUN: needs root, network namespaces and nft";
  NatLab model(*behavior, {ip("203.0.113.1")}, seed);
  SeededRandom random(seed, "netfilter");
  PortPairs ports;
  std::vector<Endpoint> externals{ep("203.0.113.1:5000"), ep("203.0.113.1:5001")};
  for (int step = 0; step < 150; ++step) {
    SCOPED_TRACE(name + ", seed " + std::to_string(seed) + ", step " + std::to_string(step));
    const std::uint64_t host = random.below(2);
    const std::uint64_t port = random.below(2);
    const std::uint64_t server = random.below(2);
    const std::uint64_t server_port = random.below(3);
    const Endpoint internal = endpoint("10.0.0.1:5000", host, port);
    const Endpoint remote = endpoint("192.0.2.1:3478", server, server_port);
    if (random.chance(1, 2)) {
      const auto expected = model.out(at(1s), internal, remote);
      const auto seen = kernel.send_out(internal, remote, Wait::long_ms);
      ASSERT_TRUE(expected && seen);
      EXPECT_EQ(seen->first, remote);
      EXPECT_EQ(seen->second.port == internal.port, expected->port == internal.port)
          << internal.to_string() << " to " << remote.to_string() << ": model " << expected->to_string() << ", kernel "
          << seen->second.to_string();
      ASSERT_TRUE(ports.match(*expected, seen->second))
          << "model " << expected->to_string() << ", kernel " << seen->second.to_string();
      externals.push_back(*expected);
    } else {
      const std::uint64_t recent = random.below(std::min<std::uint64_t>(externals.size(), 8));
      const Endpoint external = externals[externals.size() - 1 - recent];
      const auto expected = model.in(at(1s), remote, external);
      const auto seen = kernel.send_in(remote, ports.kernel_of(external), expected ? Wait::long_ms : Wait::short_ms);
      ASSERT_EQ(seen.has_value(), expected.has_value()) << remote.to_string() << " to " << external.to_string();
      if (seen) {
        EXPECT_EQ(seen->first, *expected);
      }
    }
  }
}

TEST(Netfilter, MasqueradeBehindADroppingInputChain) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) compare("linux-masquerade", {}, seed);
}

TEST(Netfilter, MasqueradeBehindAnAcceptingInputChain) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) compare("linux-masquerade-open-input", {.input_accepts = true}, seed);
}

TEST(Netfilter, MasqueradeRandom) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    compare("linux-masquerade-random", {.masquerade = "masquerade random"}, seed);
}

}  // namespace
}  // namespace weft::nat

// SPDX-License-Identifier: GPL-2.0-only
// Random packet traces through the engine and through the netfilter of this kernel: the same packets must pass, keep
// the same ports, and get fresh ones at the same moments; ports that both chose at random stand for each other.
//
// A trace is made of its number alone: 24 datagrams between two internal hosts with two ports each and two remote hosts
// with three ports each, outwards or back to an external endpoint that was seen before. Each trace has remote addresses
// of its own, so that none meets the flows of another. WEFT_TRACES says how many (300), WEFT_TRACE which one alone.
#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/nat/model.h"
#include "tests/differential/netfilter/kernel_gateway.h"
#include "tests/differential/netfilter/kernels_choice.h"
#include "tests/differential/netfilter/trace_numbers.h"
#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using test::KernelGateway;
using test::KernelsChoice;

struct Case {
  std::string model;
  KernelGateway::Rules rules;
  bool fixed_hosts = false;  // the rules name them; each trace begins with a packet of each internal endpoint
};

Endpoint endpoint(std::uint32_t base, std::uint64_t host, std::uint16_t port, std::uint64_t nth) {
  return {IpAddress::v4(base + static_cast<std::uint32_t>(host)), static_cast<std::uint16_t>(port + nth)};
}

/// One trace: what is sent, how both take it, and whether they agree.
class Trace {
 public:
  Trace(const Case& subject, const Behavior& behavior, KernelGateway& kernel, std::uint64_t number)
      : subject_(subject),
        kernel_(kernel),
        choice_(behavior.ports),
        model_(behavior, {ip("203.0.113.1")}, choice_),
        random_(number, "trace"),
        inside_((subject.fixed_hosts ? 0x0A000000u : 0x0A010000u + static_cast<std::uint32_t>(number % 60000) * 4) + 1),
        outside_(0xAC100000u + static_cast<std::uint32_t>(number % 200000) * 4 + 1) {}

  void run() {
    if (subject_.fixed_hosts) {
      for (std::uint64_t host = 0; host < 2; ++host) {
        for (std::uint64_t port = 0; port < 2; ++port) out(endpoint(inside_, host, 5000, port), remote(0, 0));
      }
    }
    for (int step = 0; step < 24 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const std::uint64_t host = random_.below(2);
      const std::uint64_t port = random_.below(2);
      const std::uint64_t server = random_.below(2);
      const std::uint64_t server_port = random_.below(3);
      const bool outwards = random_.chance(1, 2);
      if (outwards) {
        out(endpoint(inside_, host, 5000, port), remote(server, server_port));
      } else {
        in(remote(server, server_port));
      }
    }
    kernel_.close_sockets();
  }

 private:
  Endpoint remote(std::uint64_t host, std::uint64_t port) const { return endpoint(outside_, host, 3478, port); }

  void out(const Endpoint& internal, const Endpoint& to) {
    const auto seen = kernel_.send_out(internal, to, true);
    ASSERT_TRUE(seen) << internal.to_string() << " to " << to.to_string();
    EXPECT_EQ(seen->first, to);
    choice_.set(seen->second.port);
    Bytes packet = udp(internal, to);
    ASSERT_EQ(model_.translate(at(1s), Side::inside, packet).action, Outcome::Action::forward_out);
    EXPECT_EQ(parse_packet(packet)->source, seen->second) << internal.to_string() << " to " << to.to_string();
    externals_.push_back(seen->second);
  }

  void in(const Endpoint& from) {
    const std::uint64_t recent = random_.below(std::min<std::uint64_t>(externals_.size(), 8));
    const Endpoint external = externals_[externals_.size() - 1 - recent];
    Bytes packet = udp(from, external);
    const bool passes = model_.translate(at(1s), Side::outside, packet).forwarded();
    const auto seen = kernel_.send_in(from, external, passes);
    ASSERT_EQ(seen.has_value(), passes) << from.to_string() << " to " << external.to_string();
    if (!seen) return;
    EXPECT_EQ(seen->first, parse_packet(packet)->destination);
    EXPECT_EQ(seen->second, from);
  }

  const Case& subject_;
  KernelGateway& kernel_;
  KernelsChoice choice_;
  Nat model_;
  SeededRandom random_;
  std::uint32_t inside_, outside_;
  std::vector<Endpoint> externals_{ep("203.0.113.1:5000"), ep("203.0.113.1:5001")};
};

void compare(const Case& subject) {
  const auto behavior = load_model(WEFT_SOURCE_DIR "/nat-models/" + subject.model + ".json");
  ASSERT_TRUE(behavior) << behavior.error().message;
  KernelGateway kernel(subject.rules);
  if (!kernel.ready()) GTEST_SKIP() << "NOT RUN: needs root, network namespaces, nft and conntrack";
  test::for_each_trace([&](std::uint64_t number) {
    SCOPED_TRACE(subject.model);
    Trace(subject, *behavior, kernel, number).run();
    if (number % 1000 == 0) kernel.flush();
  });
}

/// Static translation of four internal endpoints, both ways.
KernelGateway::Rules static_mappings() {
  KernelGateway::Rules rules;
  rules.postrouting.clear();
  const std::pair<const char*, int> hosts[] = {{"10.0.0.1", 5000}, {"10.0.0.2", 6000}};
  for (const auto& [host, external] : hosts) {
    for (int nth = 0; nth < 2; ++nth) {
      const std::string inner = std::to_string(5000 + nth), outer = std::to_string(external + nth);
      rules.postrouting.push_back(std::string("ip saddr ") + host + " udp sport " + inner +
                                  " snat to 203.0.113.1:" + outer);
      rules.prerouting.push_back("ip daddr 203.0.113.1 udp dport " + outer + " dnat to " + host + ":" + inner);
    }
  }
  return rules;
}

TEST(Netfilter, MasqueradeBehindADroppingInputChain) { compare({.model = "linux-masquerade", .rules = {}}); }

TEST(Netfilter, MasqueradeBehindAnAcceptingInputChain) {
  compare({.model = "linux-masquerade-open-input", .rules = {.input_accepts = true}});
}

TEST(Netfilter, MasqueradeRandom) {
  compare({.model = "linux-masquerade-random", .rules = {.postrouting = {"masquerade random"}}});
}

TEST(Netfilter, MasqueradeFullyRandom) {
  compare({.model = "linux-masquerade-fully-random", .rules = {.postrouting = {"masquerade fully-random"}}});
}

TEST(Netfilter, MasqueradeToARangeOfPorts) {
  compare({.model = "linux-masquerade-range", .rules = {.postrouting = {"meta l4proto udp masquerade to :5001-5064"}}});
}

TEST(Netfilter, StaticEndpointIndependentMappingAndFiltering) {
  compare({.model = "eim-eif", .rules = static_mappings(), .fixed_hosts = true});
}

TEST(Netfilter, AddressDependentFilteringByADynamicSet) {
  KernelGateway::Rules rules = static_mappings();
  rules.sets = {"seen { type ipv4_addr . inet_service . ipv4_addr; size 1000000; flags dynamic; }"};
  rules.forward = {"iifname inside update @seen { ip saddr . udp sport . ip daddr }",
                   "iifname outside ip daddr . udp dport . ip saddr != @seen drop"};
  compare({.model = "eim-adf", .rules = rules, .fixed_hosts = true});
}

}  // namespace
}  // namespace weft::nat

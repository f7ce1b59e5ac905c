// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

/// The rules of RFC 4787 said once more with lists and without indices: which UDP packets pass, and which share a
/// mapping.
class Oracle {
 public:
  explicit Oracle(const Behavior& behavior) : behavior_(behavior) {}

  /// The external endpoint that a packet must leave from; nullopt: a fresh mapping, whose endpoint is told by opened().
  std::optional<Endpoint> out(Time now, const Endpoint& internal, const Endpoint& remote) {
    forget(now);
    Flow* flow = find([&](const Flow& f) { return f.leaves && f.internal == internal && f.remote == remote; });
    if (flow == nullptr) {
      const Flow* mapping = find([&](const Flow& f) { return f.internal == internal && same_key(f.key, remote); });
      pending_ = {internal, remote, remote, {}, now, now};
      if (mapping == nullptr) return std::nullopt;
      pending_.external = mapping->external;
      pending_.key = mapping->key;
      flows_.push_back(pending_);
      flow = &flows_.back();
    }
    note(*flow, now, true);
    return flow->external;
  }
  void opened(Time now, const Endpoint& external) {
    pending_.external = external;
    flows_.push_back(pending_);
    note(flows_.back(), now, true);
  }
  bool in_use(const Endpoint& external) {
    return find([&](const Flow& f) { return f.external == external; }) != nullptr;
  }

  std::optional<Endpoint> in(Time now, const Endpoint& remote, const Endpoint& external) {
    forget(now);
    Flow* flow = find([&](const Flow& f) { return f.external == external && f.remote == remote; });
    if (flow == nullptr) {
      const Flow* mapping = find([&](const Flow& f) { return f.external == external; });
      if (mapping == nullptr || !allowed(*mapping, remote)) return std::nullopt;
      const Endpoint internal = mapping->internal;
      const bool answered =
          find([&](const Flow& f) { return f.leaves && f.internal == internal && f.remote == remote; });
      const bool by_rule = same_key(mapping->key, remote);
      Flow fresh{internal, remote, mapping->key, external, now, now};
      fresh.leaves = !answered && (behavior_.reply == ReplyRule::session || by_rule);
      flows_.push_back(fresh);
      flow = &flows_.back();
    }
    note(*flow, now, false);
    return flow->internal;
  }

 private:
  struct Flow {
    Endpoint internal, remote, key, external;
    Time created, expires;
    bool out = false, in = false, keeps = false, leaves = true;
  };

  template <typename Match>
  Flow* find(const Match& match) {
    const auto found = std::ranges::find_if(flows_, match);
    return found == flows_.end() ? nullptr : &*found;
  }
  bool same_key(const Endpoint& key, const Endpoint& remote) const {
    switch (behavior_.mapping) {
      case Mapping::endpoint_independent:
        return true;
      case Mapping::address_dependent:
        return key.address == remote.address;
      case Mapping::address_and_port_dependent:
        break;
    }
    return key == remote;
  }
  bool allowed(const Flow& mapping, const Endpoint& remote) {
    if (behavior_.filtering == Filtering::endpoint_independent) return true;
    return find([&](const Flow& f) {
             const bool scope = behavior_.filter_scope == FilterScope::mapping ? f.external == mapping.external
                                                                               : f.internal == mapping.internal;
             const bool who = behavior_.filtering == Filtering::address_dependent ? f.remote.address == remote.address
                                                                                  : f.remote == remote;
             return scope && who && f.out;
           }) != nullptr;
  }
  void note(Flow& flow, Time now, bool outbound) {
    const bool first = !flow.out && !flow.in;
    (outbound ? flow.out : flow.in) = true;
    const bool refreshes = behavior_.refresh == Refresh::both || (behavior_.refresh == Refresh::outbound) == outbound;
    flow.keeps |= outbound || refreshes;
    const Duration life = flow.out && flow.in ? behavior_.lifetimes.udp_replied : behavior_.lifetimes.udp_unreplied;
    if (first || refreshes) flow.expires = std::max(flow.expires, now + life);
  }
  void forget(Time now) {
    // A mapping's last keeper takes the mapping's other flows with it, at its own instant; instants in order.
    while (true) {
      auto next = flows_.end();
      for (auto flow = flows_.begin(); flow != flows_.end(); ++flow) {
        if (flow->expires <= now && (next == flows_.end() || flow->expires < next->expires)) next = flow;
      }
      if (next == flows_.end()) return;
      const Endpoint external = next->external;
      flows_.erase(next);
      if (!find([&](const Flow& f) { return f.external == external && f.keeps; })) {
        flows_.remove_if([&](const Flow& f) { return f.external == external; });
      }
    }
  }

  const Behavior& behavior_;
  std::list<Flow> flows_;
  Flow pending_;
};

/// Random packets between few endpoints, at steps around the lifetimes.
void compare(const Behavior& behavior, std::uint64_t seed) {
  NatLab lab(behavior, {ip("203.0.113.1")}, seed);
  Oracle oracle(behavior);
  SeededRandom random(seed, "oracle");
  std::vector<Endpoint> externals{ep("203.0.113.1:5000")};
  Time now = at(1s);
  for (int step = 0; step < 600; ++step) {
    now += random.between(0s, 12s);
    const std::uint64_t host = random.below(2);
    const std::uint64_t port = random.below(2);
    const Endpoint internal{IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(1 + host)),
                            static_cast<std::uint16_t>(5000 + port)};
    const std::uint64_t server = random.below(3);
    const std::uint64_t server_port = random.below(2);
    const Endpoint remote{IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(1 + server)),
                          static_cast<std::uint16_t>(3478 + server_port)};
    if (random.chance(1, 2)) {
      const auto left = lab.out(now, internal, remote);
      ASSERT_TRUE(left.has_value()) << "step " << step;
      if (const auto expected = oracle.out(now, internal, remote)) {
        ASSERT_EQ(*left, *expected) << "step " << step;
      } else {
        ASSERT_FALSE(oracle.in_use(*left)) << "step " << step;
        oracle.opened(now, *left);
        externals.push_back(*left);
      }
    } else {
      const std::uint64_t recent = random.below(std::min<std::uint64_t>(externals.size(), 6));
      const Endpoint external = externals[externals.size() - 1 - recent];
      ASSERT_EQ(lab.in(now, remote, external), oracle.in(now, remote, external)) << "step " << step;
    }
  }
}

TEST(Nat, AgreesWithTheListOracleInEveryCombinationOfAxes) {
  for (const auto mapping :
       {Mapping::endpoint_independent, Mapping::address_dependent, Mapping::address_and_port_dependent}) {
    for (const auto filtering :
         {Filtering::endpoint_independent, Filtering::address_dependent, Filtering::address_and_port_dependent}) {
      for (const auto refresh : {Refresh::outbound, Refresh::inbound, Refresh::both}) {
        for (int bits = 0; bits < 8; ++bits) {
          Behavior behavior;
          behavior.mapping = mapping;
          behavior.filtering = filtering;
          behavior.refresh = refresh;
          behavior.filter_scope = bits & 1 ? FilterScope::internal_endpoint : FilterScope::mapping;
          behavior.reply = bits & 2 ? ReplyRule::session : ReplyRule::mapping;
          behavior.ports.allocation = bits & 4 ? Allocation::random : Allocation::preserve;
          behavior.lifetimes.udp_unreplied = 30s;
          behavior.lifetimes.udp_replied = 60s;
          SCOPED_TRACE(testing::Message() << "mapping " << int(mapping) << " filtering " << int(filtering)
                                          << " refresh " << int(refresh) << " bits " << bits);
          for (std::uint64_t seed = 1; seed <= 4; ++seed)
            ASSERT_NO_FATAL_FAILURE(compare(behavior, seed)) << "seed " << seed;
        }
      }
    }
  }
}

}  // namespace
}  // namespace weft::nat

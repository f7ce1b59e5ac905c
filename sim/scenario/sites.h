// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "sim/scenario/nat_models.h"
#include "sim/world/world.h"

namespace weft::sim {

/// A place where nodes live, as the scenario describes it.
struct SitePlan {
  std::string name;
  std::uint16_t region = 0;
  const NatChain* chain = nullptr;
  LinkPlan link;        // the access link: of the home gateway's outside, or of each host where there is no gateway
  std::string carrier;  // sites that name the same one share all layers but the first
  bool ipv6 = false;    // beside IPv4, native: each gateway lets it pass behind the filter of its model
};

/// Where nodes live: gives out addresses, and builds each site's gateways.
///
///     host 192.168.1.10 ── home gateway ──access link── [10.64.0.2 ── carrier gateway] ── public address ── Internet
///
/// Every site uses the same private network, as homes do, and every carrier the same one of its own. The public address
/// belongs to the outermost layer that translates, or to the host itself if none does. Behind a NAT64, the network of a
/// site is IPv6 alone, and public; with SitePlan::ipv6, a site has such a network beside its IPv4 one.
class Sites {
 public:
  /// `network`: several of them in one world have names and public addresses of their own by different numbers.
  explicit Sites(GatewayBuilder& builder, std::uint32_t network = 0) : builder_(builder), network_(network) {}

  /// Whether a node or the outside of a site's gateways has, or has had, this public address: what nodes report to the
  /// coordinator, and it attests to others.
  /// Through a NAT64 too.
  bool is_a_node(const IpAddress& address) const;
  /// An address nobody has yet.
  IpAddress next_public();
  IpAddress next_public_ipv6();
  /// Builds the site if there is none of that name.
  void add(const SitePlan& plan);
  /// Where a host is plugged in at a site, with addresses that nobody has there, IPv4 first.
  AttachmentPlan attach(const std::string& site);
  /// The same for a further interface of a host: homes have the same private network, so it leases an address there
  /// that is none of `taken`, to which it is added.
  AttachmentPlan attach_uplink(const std::string& site, std::vector<IpAddress>& taken);
  bool contains(const std::string& site) const { return sites_.contains(site); }
  const SitePlan& plan(const std::string& site) const { return sites_.at(site).plan; }
  /// The gateways of a site, from the host outwards.
  const std::vector<GatewayId>& gateways(const std::string& site) const { return sites_.at(site).gateways; }
  /// Another external address for a layer of a site's NAT, as its network gives them out.
  IpAddress next_external(const std::string& site, std::size_t layer);

 private:
  /// What lies behind a gateway, where others are plugged in.
  struct Realm {
    PlaceId place = kInternet;
    std::vector<GatewayId> gateways;  // from here outwards
    bool translated = false;          // a layer further out has the public address already
    std::uint32_t next_host = 2;      // of a carrier's network: the last number given to a gateway, plus one
  };
  struct Site {
    SitePlan plan;
    PlaceId place = kInternet;
    bool translated = false;
    std::vector<GatewayId> gateways;
    std::vector<std::string> outer;  // by layer: the realm its outside is in
    std::uint32_t hosts = 0;
    std::optional<Prefix> ipv6;
    bool ipv6_alone = false;
  };

  Realm& realm_outside(const SitePlan& plan, std::size_t layer, std::string& name);
  Gateway add_gateway(const SitePlan& plan, std::size_t layer, Realm& outer, const std::string& name,
                      const Prefix& inside, const std::optional<Prefix>& inside_ipv6);
  IpAddress external_in(Realm& outer, std::size_t layer);

  GatewayBuilder& builder_;
  std::uint32_t network_;
  std::map<std::string, Site> sites_;
  std::map<std::string, Realm> realms_;  // of the Internet (empty name) and of carriers
  std::uint32_t public_addresses_ = 0, public_ipv6_addresses_ = 0;
  std::set<IpAddress> nodes_;
  std::set<Prefix> nat64_prefixes_;
  std::uint32_t ipv6_networks_ = 0;
};

}  // namespace weft::sim

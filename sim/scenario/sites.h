// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "sim/scenario/nat_models.h"
#include "sim/world/world.h"

namespace weft::sim {

struct NodeSpec;

/// Where nodes live: gives out addresses, builds each site's gateways, and puts hosts behind them.
///
///     host 192.168.1.10 ── home gateway ── [10.64.n.2 ── carrier gateway] ── public address ── Internet
///
/// Every site uses the same private network, as homes do. The public address belongs to the outermost layer that
/// translates, or to the host itself if none does.
class Sites {
 public:
  explicit Sites(World& world) : world_(world) {}

  /// An address nobody has yet.
  IpAddress next_public();
  /// A host with a public address, for services.
  io::Host& add_public_host(const std::string& name, std::uint16_t region, const IpAddress& address);
  /// A node of the scenario behind `chain`; the gateways are made with the first node of a site.
  io::Host& add_node(const NodeSpec& node, std::uint16_t region, const NatChain& chain, const LinkPlan& link,
                     TraceSink* trace = nullptr);
  /// The gateways of a site, from the host outwards.
  const std::vector<GatewayId>& gateways(const std::string& site) const { return sites_.at(site).gateways; }

 private:
  struct Site {
    PlaceId place = kInternet;
    bool translated = false;
    std::vector<GatewayId> gateways;
    std::uint8_t hosts = 0;
  };

  Site& site(const NodeSpec& node, std::uint16_t region, const NatChain& chain);

  World& world_;
  std::map<std::string, Site> sites_;
  std::uint32_t public_addresses_ = 0;
  std::uint32_t carrier_networks_ = 0;
};

}  // namespace weft::sim

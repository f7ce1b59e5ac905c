// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/sites.h"

#include "mesh/base/assert.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {
namespace {

const Prefix kHome = *Prefix::parse("192.168.1.0/24");
constexpr std::uint32_t kDocumentationAddresses = 250;

}  // namespace

/// Documentation addresses (RFC 5737) as long as they last, since they read well in traces, then class E (RFC 1112 §4),
/// which no real network has either.
IpAddress Sites::next_public() {
  const std::uint32_t number = public_addresses_++;
  if (number < kDocumentationAddresses) return IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(number + 1));
  return IpAddress::v4((240u << 24) + number);
}

io::Host& Sites::add_public_host(const std::string& name, std::uint16_t region, const IpAddress& address) {
  return world_.add_host({.name = name, .region = region, .addresses = {address}});
}

Sites::Site& Sites::site(const NodeSpec& node, std::uint16_t region, const NatChain& chain) {
  const auto [found, fresh] = sites_.try_emplace(node.site);
  Site& site = found->second;
  if (!fresh) return site;
  bool translated_outside = false;  // a layer further out has the public address already
  for (std::size_t layer = chain.size(); layer-- > 0;) {
    const bool innermost = layer == 0;
    const bool nat = chain[layer].translation == nat::Translation::nat;
    const Prefix carrier{IpAddress::v4(10, 64, static_cast<std::uint8_t>(carrier_networks_), 0), 24};
    GatewayPlan plan{.name = node.site + "/gateway" + std::to_string(layer), .outer = site.place, .region = region};
    // A gateway between a carrier's realm and a home has the carrier's address outside, otherwise a public one.
    plan.external = {translated_outside
                         ? IpAddress::v4(carrier.address.v4_host_order() + 2 + static_cast<std::uint32_t>(layer))
                         : next_public()};
    const Prefix inside = innermost ? kHome : carrier;
    plan.inside_address = IpAddress::v4(inside.address.v4_host_order() + 1);
    plan.inside = inside;
    const Gateway gateway = world_.add_gateway(plan, chain[layer]);
    site.place = gateway.inside;
    site.gateways.insert(site.gateways.begin(), gateway.id);
    translated_outside |= nat;
  }
  if (chain.size() > 1) ++carrier_networks_;
  WEFT_ASSERT(carrier_networks_ < 256);
  site.translated = translated_outside;
  return site;
}

io::Host& Sites::add_node(const NodeSpec& node, std::uint16_t region, const NatChain& chain, const LinkPlan& link,
                          TraceSink* trace) {
  Site& place = site(node, region, chain);
  const IpAddress address =
      place.translated ? IpAddress::v4(kHome.address.v4_host_order() + 10 + place.hosts++) : next_public();
  return world_.add_host({.name = node.name,
                          .place = place.place,
                          .region = region,
                          .addresses = {address},
                          .link = link,
                          .trace = trace});
}

}  // namespace weft::sim

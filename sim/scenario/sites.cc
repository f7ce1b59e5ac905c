// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/sites.h"

#include <algorithm>
#include <array>

#include "mesh/base/assert.h"
#include "mesh/base/nat64.h"

namespace weft::sim {
namespace {

const Prefix kHome = *Prefix::parse("192.168.1.0/24");
constexpr std::uint32_t kFirstHost = 10, kLastHost = 250;
constexpr std::uint32_t kDocumentationAddresses = 250;
constexpr std::uint32_t kAddressesOfNetwork = 1u << 16;  // of each but the first

bool hides_ipv4(const nat::Behavior& behavior) {
  return behavior.translation == nat::Translation::nat || behavior.translation == nat::Translation::nat64;
}

/// A documentation network (RFC 3849) for each site without IPv4.
Prefix ipv6_network(std::uint32_t number) {
  std::array<std::uint8_t, 16> bytes = {0x20, 0x01, 0x0d, 0xb8};
  store_u32be(bytes.data() + 4, number);
  return {IpAddress::v6(bytes), 64};
}

IpAddress host_of(const Prefix& network, std::uint32_t number) {
  if (network.address.is_v4()) return IpAddress::v4(network.address.v4_host_order() + number);
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(network.address.bytes(), bytes.begin());
  store_u32be(bytes.data() + 12, number);
  return IpAddress::v6(bytes);
}

/// The network that gateways of `layer` have outside, if a carrier is there.
Prefix carrier_network(std::size_t layer) {
  return {IpAddress::v4(10, static_cast<std::uint8_t>(64 + layer), 0, 0), 16};
}

}  // namespace

/// Documentation addresses (RFC 5737) as long as they last, since they read well in traces, then class E (RFC 1112 §4),
/// which no real network has either.
IpAddress Sites::next_public() {
  const std::uint32_t number = network_ * kAddressesOfNetwork + public_addresses_++;
  if (number < kDocumentationAddresses) return IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(number + 1));
  return IpAddress::v4((240u << 24) + number);
}

IpAddress Sites::next_public_ipv6() { return host_of(ipv6_network(0), ++public_ipv6_addresses_); }

bool Sites::is_a_node(const IpAddress& address) const {
  if (nodes_.contains(address)) return true;
  return std::ranges::any_of(nat64_prefixes_, [&](const Prefix& prefix) {
    const auto inside = embedded_ipv4(prefix, address);
    return inside && nodes_.contains(*inside);
  });
}

IpAddress Sites::external_in(Realm& outer, std::size_t layer) {
  if (!outer.translated) return *nodes_.insert(next_public()).first;
  return IpAddress::v4(carrier_network(layer).address.v4_host_order() + outer.next_host++);
}

Gateway Sites::add_gateway(const SitePlan& plan, std::size_t layer, Realm& outer, const std::string& name,
                           const Prefix& inside, const std::optional<Prefix>& inside_ipv6) {
  GatewayPlan gateway{.name = name, .outer = outer.place, .region = plan.region};
  gateway.external = {external_in(outer, layer)};
  gateway.inside_address = host_of(inside, 1);
  gateway.inside = inside;
  gateway.inside_ipv6 = inside_ipv6;
  if (layer == 0) gateway.link = plan.link;
  return builder_.add_gateway(gateway, (*plan.chain)[layer]);
}

/// Where the outside of `layer` is; builds the carrier's layers that are not there yet, from the Internet inwards.
Sites::Realm& Sites::realm_outside(const SitePlan& plan, std::size_t layer, std::string& name) {
  if (layer + 1 == plan.chain->size()) return realms_[name = std::string()];
  const std::string gateway =
      (plan.carrier.empty() ? plan.name : plan.carrier) + "/gateway" + std::to_string(layer + 1);
  if (const auto found = realms_.find(gateway); found != realms_.end()) {
    name = gateway;
    return found->second;
  }
  Realm& outer = realm_outside(plan, layer + 1, name);
  name = gateway;
  const Gateway built = add_gateway(plan, layer + 1, outer, gateway, carrier_network(layer), std::nullopt);
  Realm realm{.place = built.inside, .gateways = outer.gateways, .translated = outer.translated};
  realm.gateways.insert(realm.gateways.begin(), built.id);
  realm.translated |= hides_ipv4((*plan.chain)[layer + 1]);
  return realms_[gateway] = std::move(realm);
}

void Sites::add(const SitePlan& plan) {
  const auto [found, fresh] = sites_.try_emplace(plan.name);
  if (!fresh) return;
  Site& site = found->second;
  site.plan = plan;
  const auto prefix = nat64_prefix(*plan.chain);
  if (prefix) nat64_prefixes_.insert(*prefix);
  site.ipv6_alone = prefix.has_value();
  if (site.ipv6_alone || plan.ipv6) site.ipv6 = ipv6_network(++ipv6_networks_);
  if (plan.chain->empty()) return;
  std::string name;
  Realm& outer = realm_outside(plan, 0, name);
  const std::string gateway = plan.name + "/gateway0";
  const Gateway home = site.ipv6_alone ? add_gateway(plan, 0, outer, gateway, *site.ipv6, std::nullopt)
                                       : add_gateway(plan, 0, outer, gateway, kHome, site.ipv6);
  site.place = home.inside;
  site.gateways = outer.gateways;
  site.gateways.insert(site.gateways.begin(), home.id);
  site.translated = outer.translated || hides_ipv4(plan.chain->front());
  site.outer.push_back(name);
  for (std::size_t layer = 1; layer < plan.chain->size(); ++layer) {
    realm_outside(plan, layer, name);
    site.outer.push_back(name);
  }
}

AttachmentPlan Sites::attach(const std::string& name) {
  Site& site = sites_.at(name);
  const std::uint32_t number = kFirstHost + site.hosts++ % (kLastHost - kFirstHost);
  AttachmentPlan plan{.place = site.place, .region = site.plan.region, .addresses = {}};
  if (!site.ipv6_alone)
    plan.addresses.push_back(site.translated ? host_of(kHome, number) : *nodes_.insert(next_public()).first);
  if (site.ipv6) plan.addresses.push_back(*nodes_.insert(host_of(*site.ipv6, number)).first);
  if (site.gateways.empty()) plan.link = site.plan.link;
  return plan;
}

AttachmentPlan Sites::attach_uplink(const std::string& site, std::vector<IpAddress>& taken) {
  AttachmentPlan plan = attach(site);
  while (std::ranges::find(taken, plan.addresses.front()) != taken.end()) plan = attach(site);
  taken.push_back(plan.addresses.front());
  return plan;
}

IpAddress Sites::next_external(const std::string& name, std::size_t layer) {
  const Site& site = sites_.at(name);
  WEFT_ASSERT(layer < site.outer.size());
  return external_in(realms_.at(site.outer[layer]), layer);
}

}  // namespace weft::sim

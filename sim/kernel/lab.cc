// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/lab.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "mesh/base/nat64.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

constexpr IpAddress kIpv4OnlyAddress = IpAddress::v4(192, 0, 0, 170);  // RFC 7050 §8.2
constexpr Duration kInsideSite = 100us;                                // by the plan; a bridge takes less

}  // namespace

Result<std::unique_ptr<Lab>> Lab::build(const sim::Scenario& scenario, const sim::NatChains& chains,
                                        const LabOptions& options) {
  auto folder = LabFolder::create();
  if (!folder) return std::unexpected(folder.error());
  std::unique_ptr<Lab> lab(new Lab(scenario, chains, options, std::move(*folder)));
  if (auto done = lab->build(); !done) return std::unexpected(done.error());
  return lab;
}

std::uint16_t Lab::region(const std::string& name) const {
  return static_cast<std::uint16_t>(std::ranges::find(scenario_.topology.regions, name) -
                                    scenario_.topology.regions.begin());
}

Result<void> Lab::build() {
  std::set<std::string> sites;
  for (const sim::NodeSpec& node : scenario_.nodes) sites.insert(node.site);
  auto network = KernelNetwork::create(
      {.folder = folder_.path(),
       .weft_lab = options_.weft_lab,
       .seed = options_.seed,
       .nat = options_.nat,
       .regions = {scenario_.topology.delay, scenario_.topology.loss_ppm, scenario_.topology.hops},
       .sites_are_shared = sites.size() < scenario_.nodes.size(),
       .large = options_.large,
       .emulated = options_.emulated,
       .ns3_attributes = scenario_.ns3_attributes});
  if (!network) return std::unexpected(network.error());
  network_ = std::move(*network);
  sites_ = std::make_unique<sim::Sites>(*network_);
  if (auto done = add_service("coordinator", scenario_.coordinator_region); !done) return done;
  for (const sim::RelaySpec& relay : scenario_.relays) {
    if (auto done = add_service(relay.name, relay.region); !done) return done;
  }
  for (const sim::NodeSpec& node : scenario_.nodes) {
    if (auto done = add_site(node); !done) return done;
    const sim::AttachmentPlan at = sites_->attach(node.site);
    if (auto done = set_site_of(node.name, node.site); !done) return done;
    auto done = network_->add_host(
        {.name = node.name, .place = at.place, .region = at.region, .addresses = at.addresses, .link = at.link});
    if (!done) return done;
    if (done = add_uplinks(node, at.addresses); !done) return done;
  }
  for (const sim::EventSpec& event : scenario_.events) {
    if (event.kind != sim::EventSpec::Kind::roam || sites_->contains(event.site)) continue;
    auto done = add_site(
        {.region = event.region, .nat = event.nat, .access = event.access, .site = event.site, .ipv6 = event.ipv6});
    if (!done) return done;
  }
  std::map<std::string, std::string> namespaces;
  for (const auto& [name, space] : network_->spaces()) namespaces[name] = space->path();
  return folder_.publish(scenario_.name, namespaces);
}

Result<void> Lab::add_uplinks(const sim::NodeSpec& node, std::vector<IpAddress> taken) {
  for (const sim::UplinkSpec& uplink : node.uplinks) {
    auto done = add_site({.region = uplink.region,
                          .nat = uplink.nat,
                          .access = uplink.access,
                          .site = uplink.site,
                          .ipv6 = uplink.ipv6});
    if (!done) return done;
    done = network_->add_uplink(node.name, uplink.name, sites_->attach_uplink(uplink.site, taken));
    if (!done) return done;
  }
  return {};
}

Result<void> Lab::add_service(const std::string& name, const std::string& at) {
  auto& addresses = addresses_[name];
  addresses = {sites_->next_public()};
  if (scenario_.services_ipv6) addresses.push_back(sites_->next_public_ipv6());
  return network_->add_host({.name = name, .region = region(at), .addresses = addresses, .link = {}});
}

Result<void> Lab::add_site(const sim::NodeSpec& node) {
  const auto link = scenario_.access.find(node.access);
  sites_->add({.name = node.site,
               .region = region(node.region),
               .chain = &chains_.at(node.nat),
               .link = link == scenario_.access.end() ? sim::LinkPlan{} : link->second,
               .carrier = node.carrier,
               .ipv6 = node.ipv6});
  if (network_->problem()) return std::unexpected(*network_->problem());
  return {};
}

Result<void> Lab::set_site_of(const std::string& node, const std::string& site) {
  site_of_[node] = site;
  std::ofstream file(hosts_file(node));  // the same file as before, since it is mounted
  file << "127.0.0.1 localhost\n::1 localhost\n";
  if (const auto prefix = sim::nat64_prefix(*sites_->plan(site).chain))
    file << embed_ipv4(*prefix, kIpv4OnlyAddress).to_string() << " " << kIpv4OnlyName << "\n";
  file.close();
  if (!file) return fail(ErrorCode::io, "cannot write " + hosts_file(node));
  return {};
}

std::string Lab::proxy(const std::string& host) const {
  const auto site = site_of_.find(host);
  if (site == site_of_.end()) return {};
  for (const sim::GatewayId gateway : sites_->gateways(site->second)) {
    if (std::string proxy = network_->proxy(gateway); !proxy.empty()) return proxy;
  }
  return {};
}

Duration Lab::least_delay(const std::string& from, const std::string& to) const {
  const sim::SitePlan &a = sites_->plan(site_of(from)), &b = sites_->plan(site_of(to));
  if (a.name == b.name && !a.chain->empty()) return kInsideSite;
  return a.link.delay + scenario_.topology.delay[a.region][b.region] + b.link.delay;
}

}  // namespace weft::kernel

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/kernel/lab_folder.h"
#include "sim/kernel/network.h"
#include "sim/scenario/nat_models.h"
#include "sim/scenario/sites.h"

namespace weft::sim {
struct NodeSpec;
struct Scenario;
}  // namespace weft::sim

namespace weft::kernel {

/// What a laboratory is made with; the programs are paths.
struct LabOptions {
  std::string weft;
  std::string weft_lab;
  NatEngine nat = NatEngine::automatic;
  std::uint64_t seed = 1;
  bool tls = false;
  std::size_t large = 0;  // as ExchangeOptions::large
  bool emulated = false;  // what lies between the sites is an ns-3 simulation in real time
};

/// The sites, hosts and services of a drawn scenario as namespaces, with nothing running on them yet: hosts are called
/// like the nodes and relays, and `coordinator`.
class Lab {
 public:
  /// Errors: usage for what netfilter or the gateway process cannot express; no_tun_permission; io. `scenario` and
  /// `chains` outlive it.
  static Result<std::unique_ptr<Lab>> build(const sim::Scenario& scenario, const sim::NatChains& chains,
                                            const LabOptions& options);

  KernelNetwork& network() { return *network_; }
  sim::Sites& sites() { return *sites_; }
  const LabOptions& options() const { return options_; }
  const std::string& folder() const { return folder_.path(); }
  const std::string& name() const { return name_; }
  /// Of a service: `coordinator` or a relay. IPv4 first.
  const std::vector<IpAddress>& addresses(const std::string& service) const { return addresses_.at(service); }
  std::uint16_t region(const std::string& name) const;
  bool knows(const std::string& node) const { return site_of_.contains(node); }
  const std::string& site_of(const std::string& node) const { return site_of_.at(node); }
  /// A node has moved. Error: io.
  Result<void> set_site_of(const std::string& node, const std::string& site);
  /// What a node has for /etc/hosts: where its site has no IPv4, the name by which its DNS64 tells the NAT64's prefix
  /// (RFC 7050), as far as an agent asks for it.
  std::string hosts_file(const std::string& node) const { return folder_.path() + "/hosts-" + node; }
  /// The HTTP proxy of a host, for HTTPS_PROXY: that of the nearest gateway with one; empty: none.
  std::string proxy(const std::string& host) const;
  Duration least_delay(const std::string& from, const std::string& to) const;

 private:
  Lab(const sim::Scenario& scenario, const sim::NatChains& chains, const LabOptions& options, LabFolder folder)
      : scenario_(scenario), chains_(chains), options_(options), folder_(std::move(folder)), name_(folder_.name()) {}
  Result<void> build();
  Result<void> add_service(const std::string& name, const std::string& region);
  Result<void> add_site(const sim::NodeSpec& node);
  Result<void> add_uplinks(const sim::NodeSpec& node, std::vector<IpAddress> taken);

  const sim::Scenario& scenario_;
  const sim::NatChains& chains_;
  LabOptions options_;
  LabFolder folder_;
  std::string name_;
  std::unique_ptr<KernelNetwork> network_;
  std::unique_ptr<sim::Sites> sites_;
  std::map<std::string, std::vector<IpAddress>> addresses_;
  std::map<std::string, std::string> site_of_;
};

}  // namespace weft::kernel

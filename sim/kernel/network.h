// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/kernel/host_process.h"
#include "sim/kernel/links.h"
#include "sim/kernel/netns.h"
#include "sim/nat/behavior.h"
#include "sim/world/world.h"

namespace weft::kernel {

/// Who translates: netfilter where it can express a model and our gateway process where it cannot, or always one.
enum class NatEngine : std::uint8_t { automatic, nftables, gateway };

struct NetworkOptions {
  std::string folder;    // for sockets and logs
  std::string weft_lab;  // program with `gateway` and `exchange`
  std::uint64_t seed = 1;
  NatEngine nat = NatEngine::automatic;
  sim::RegionPlan regions;
  bool sites_are_shared = false;
  std::size_t large = 0;  // as ExchangeOptions::large
  bool emulated = false;  // as ExchangeConfig::emulated
  std::vector<std::pair<std::string, std::string>> ns3_attributes;
};

/// A scenario's Internet in network namespaces:
///
///     [host] eth0 ── hN [gateway: bridge lan, NAT] wan ── pN [exchange process] pN ── eth0 [public host]
///
/// Each bracket is a namespace. A gateway is netfilter or a `weft-lab gateway`; what lies between regions, and the
/// access links, is the exchange process (sim/gateway/exchange.h). Nothing has a name outside this process.
class KernelNetwork final : public sim::GatewayBuilder {
 public:
  /// Errors: no_tun_permission; io.
  static Result<std::unique_ptr<KernelNetwork>> create(const NetworkOptions& options);
  ~KernelNetwork() override;

  /// What goes wrong is kept for problem().
  sim::Gateway add_gateway(const sim::GatewayPlan& plan, const nat::Behavior& behavior) override;
  const std::optional<Error>& problem() const { return problem_; }
  /// Errors here and below: io.
  Result<void> add_host(const sim::HostPlan& plan);
  /// Plugs a host in once more. It sends by the first of its interfaces that has a carrier, unless a socket names its
  /// own.
  Result<void> add_uplink(const std::string& host, const std::string& interface, const sim::AttachmentPlan& to);
  const NetNamespace& space(const std::string& host) const { return hosts_.at(host)->space; }
  /// All namespaces by name: hosts, gateways and the `exchange`.
  std::map<std::string, const NetNamespace*> spaces() const;

  /// Pulls the plug at the far end of a wire: the interface stays and loses its carrier. Empty: eth0.
  Result<void> set_link_up(const std::string& host, const std::string& interface, bool up);
  /// Of all wires of the host.
  Result<void> set_links_up(const std::string& host, bool up);
  /// The host's kernel neither sends nor takes anything by its wires, and its interfaces do not show it.
  Result<void> set_asleep(const std::string& host, bool asleep);
  Result<void> move_host(const std::string& host, const sim::AttachmentPlan& to);
  Result<void> set_link(const std::string& host, const sim::LinkPlan& link);
  Result<void> set_link(sim::GatewayId gateway, const sim::LinkPlan& link);
  /// All state is gone.
  Result<void> set_behavior(sim::GatewayId gateway, const nat::Behavior& behavior);
  Result<void> reboot(sim::GatewayId gateway, const std::vector<IpAddress>& external);
  Result<void> set_way(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path);

  /// The URL of a gateway's HTTP proxy, with user and password; empty: its model has none.
  std::string proxy(sim::GatewayId gateway) const;

  std::uint64_t bytes_sent(const std::string& host) const;
  /// Flows, counters and broken invariants, as `weft-lab exchange` shows them.
  Result<nlohmann::json> show_exchange() const;
  /// The interface of the exchange behind which a host is plugged in, itself or by its gateways.
  std::string exchange_port(const std::string& host) const;
  /// The address by which the Internet knows a host.
  IpAddress public_address(const std::string& host) const;
  /// A process of the network that ended by itself.
  std::optional<Error> ended();

 private:
  /// Where the near end of a wire is plugged in.
  struct Plug {
    sim::PlaceId place = sim::kInternet;
    std::uint16_t region = 0;
    WireEnd far;
    Mac near_mac{};
    sim::LinkPlan link;
    std::vector<IpAddress> addresses;
  };
  struct Wire {
    std::string interface;
    Plug plug;
  };
  struct Host {
    NetNamespace space;
    std::string name;
    std::vector<std::unique_ptr<Wire>> wires;  // eth0 first, then uplinks
    std::uint64_t bytes_before = 0;            // by wires that are gone
    Plug& first() const { return wires.front()->plug; }
  };
  /// Where a gateway's HTTP proxy runs if the gateway is our process, which has the external addresses: behind it.
  struct ProxyHost {
    NetNamespace space;
    Plug plug;
  };
  struct Gateway {
    NetNamespace space;
    sim::GatewayPlan plan;
    nat::Behavior behavior;
    Plug plug;
    Mac lan_mac{};
    std::map<IpAddress, Mac> routed;     // addresses behind it that the Internet knows, and who leads to them
    std::optional<HostProcess> process;  // instead of netfilter
    std::unique_ptr<ProxyHost> proxy_host;
    std::optional<HostProcess> proxy;
    std::string socket;
  };

  explicit KernelNetwork(const NetworkOptions& options) : options_(options) {}
  Result<void> start_exchange();
  Mac next_mac();
  Gateway& gateway(sim::PlaceId place) { return *gateways_.at(place - 1); }
  const Gateway& gateway(sim::PlaceId place) const { return *gateways_.at(place - 1); }
  Result<void> plug_in(const NetNamespace& space, const std::string& interface, Plug& plug);
  Result<void> unplug(const NetNamespace& space, const std::string& interface, const Plug& plug);
  static Plug plug_of(const sim::AttachmentPlan& to);
  Result<void> plug_host(Host& host, Wire& wire);
  const Plug& outermost(const std::string& host) const;
  std::string next_hop(const std::string& interface, const Plug& plug, std::size_t metric = 0) const;
  Result<void> build(Gateway& gateway);
  Result<void> address_outside(Gateway& gateway);
  Result<void> install(Gateway& gateway);
  Result<void> install_nftables(Gateway& gateway);
  Result<void> start_process(Gateway& gateway);
  Result<void> start_proxy(Gateway& gateway);
  Result<void> make_proxy_host(Gateway& gateway);
  IpAddress proxy_address(const Gateway& gateway) const;
  std::vector<IpAddress> hops(const Plug& plug) const;
  Result<void> route_to(const IpAddress& address, const Plug& host);
  Result<void> lead(Gateway& gateway, const IpAddress& address, const Mac& mac);
  static std::vector<IpAddress> addresses_behind(const Gateway& gateway);
  Result<void> tell_neighbour(const Gateway& gateway, const char* side, const IpAddress& address, const Mac& mac) const;
  bool by_netfilter(const Gateway& gateway) const;
  Result<nlohmann::json> call(const std::string& socket, const std::string& method, const nlohmann::json& params) const;
  Result<void> tell(const std::string& socket, const std::string& method, const nlohmann::json& params) const;
  nlohmann::json port_json(const Plug& plug, const std::vector<IpAddress>& addresses) const;
  std::vector<std::string> external_flags(const Gateway& gateway) const;

  NetworkOptions options_;
  std::optional<NetNamespace> core_;
  std::optional<HostProcess> exchange_;
  std::string exchange_socket_;
  std::map<std::string, std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Gateway>> gateways_;  // place - 1
  std::optional<Error> problem_;
  std::uint32_t macs_ = 0, wires_ = 0;
};

}  // namespace weft::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_client.h"
#include "sim/kernel/exchange_protocol.h"
#include "sim/kernel/nftables_nat.h"
#include "sim/kernel/waiting.h"

namespace weft::kernel {
namespace {

using nlohmann::json;

constexpr Duration kAnswerLimit = 10s;
constexpr Duration kStartLimit = 20s;
constexpr const char* kHostWire = "eth0";
constexpr std::uint32_t kProxyHost = 254;  // in the network of a site

constexpr std::size_t kFirstMetric = 100;  // of the default route of a host with several wires

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const unsigned char each : text) out += fmt::format("%{:02X}", each);
  return out;
}

/// The network inside a gateway on which `address` is; nullopt: it is routed there.
std::optional<Prefix> network_of(const sim::GatewayPlan& plan, const IpAddress& address) {
  if (plan.inside.contains(address)) return plan.inside;
  return plan.inside_ipv6 && plan.inside_ipv6->contains(address) ? plan.inside_ipv6 : std::nullopt;
}

bool is_plain(const sim::LinkPlan& link) {
  return link.delay == 0ns && link.jitter == 0ns && link.loss_ppm == 0 && link.up_bps == 0 && link.down_bps == 0;
}

}  // namespace

Result<std::unique_ptr<KernelNetwork>> KernelNetwork::create(const NetworkOptions& options) {
  std::unique_ptr<KernelNetwork> network(new KernelNetwork(options));
  auto core = NetNamespace::create();
  if (!core) return std::unexpected(core.error());
  network->core_ = std::move(*core);
  if (auto done = network->start_exchange(); !done) return std::unexpected(done.error());
  return network;
}

KernelNetwork::~KernelNetwork() = default;

Mac KernelNetwork::next_mac() {
  const std::uint32_t number = ++macs_;
  return {0x02,
          0x57,
          0x45,
          static_cast<std::uint8_t>(number >> 16),
          static_cast<std::uint8_t>(number >> 8),
          static_cast<std::uint8_t>(number)};
}

Result<json> KernelNetwork::call(const std::string& socket, const std::string& method, const json& params) const {
  const bin::Settings settings{.socket = socket, .state = {}, .log_level = {}, .log_json = false};
  return bin::call_daemon(bin::Service::agent, settings, method, params, kAnswerLimit);
}

Result<void> KernelNetwork::tell(const std::string& socket, const std::string& method, const json& params) const {
  auto answer = call(socket, method, params);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

// --- the exchange ---

Result<void> KernelNetwork::start_exchange() {
  if (auto done = set_sysctl(*core_, "ipv6/conf/all/disable_ipv6", "1"); !done) return done;
  ExchangeConfig config{.options = {.ways = {},
                                    .hops = static_cast<std::uint8_t>(options_.regions.hops),
                                    .seed = options_.seed,
                                    .large = options_.large},
                        .sites_are_shared = options_.sites_are_shared,
                        .emulated = options_.emulated,
                        .ns3_attributes = options_.ns3_attributes};
  for (const auto& row : options_.regions.delay) {
    auto& line = config.options.ways.emplace_back();
    for (const Duration delay : row) line.push_back({.delay = delay, .loss_ppm = options_.regions.loss_ppm});
  }
  exchange_socket_ = options_.folder + "/exchange.sock";
  auto process = HostProcess::start(*core_, {.name = "exchange",
                                             .arguments = {options_.weft_lab, "exchange", "--socket", exchange_socket_},
                                             .environment = {},
                                             .input = to_json(config).dump(),
                                             .log = options_.folder + "/exchange.log",
                                             .working_directory = {}});
  if (!process) return std::unexpected(process.error());
  exchange_ = std::move(*process);
  return wait_for(*exchange_, kStartLimit, [this] { return show_exchange().has_value(); });
}

Result<json> KernelNetwork::show_exchange() const { return call(exchange_socket_, "show", json::object()); }

json KernelNetwork::port_json(const Plug& plug, const std::vector<IpAddress>& addresses) const {
  return to_json(gateway::ExchangePort{.interface = plug.far.interface,
                                       .mac = plug.near_mac,
                                       .region = plug.region,
                                       .addresses = addresses,
                                       .up = up_of(plug.link),
                                       .down = down_of(plug.link)});
}

// --- wires ---

/// Makes the wire from `interface` to where the plug goes in.
Result<void> KernelNetwork::plug_in(const NetNamespace& space, const std::string& interface, Plug& plug) {
  plug.near_mac = next_mac();
  plug.far.mac = next_mac();
  const bool public_place = plug.place == sim::kInternet;
  plug.far.space = public_place ? &*core_ : &gateway(plug.place).space;
  plug.far.interface = (public_place ? "p" : "h") + std::to_string(++wires_);
  if (auto done = make_wire({&space, interface, plug.near_mac}, plug.far); !done) return done;
  if (public_place) return tell(exchange_socket_, "attach", port_json(plug, plug.addresses));
  return configure(*plug.far.space, "link set " + plug.far.interface + " master lan\n");
}

Result<void> KernelNetwork::unplug(const NetNamespace& space, const std::string& interface, const Plug& plug) {
  if (plug.place == sim::kInternet) {
    if (auto done = tell(exchange_socket_, "detach", {{"interface", plug.far.interface}}); !done) return done;
  }
  return configure(space, "link del " + interface + "\n");
}

/// Lines of ip(8) that make everything go by `interface` to the place it is plugged in at. The neighbour's link address
/// is told rather than asked for, so that wires carry the packets of hosts and nothing else.
std::string KernelNetwork::next_hop(const std::string& interface, const Plug& plug, std::size_t metric) const {
  const Mac mac = plug.place == sim::kInternet ? plug.far.mac : gateway(plug.place).lan_mac;
  std::string lines;
  for (const IpAddress& hop : hops(plug)) {
    lines += fmt::format(
        "route replace default via {0} dev {1} onlink{3}\nneigh replace {0} lladdr {2} dev {1} nud permanent\n",
        hop.to_string(), interface, to_string(mac), metric == 0 ? "" : " metric " + std::to_string(metric));
  }
  return lines;
}

/// The next hop of each family that what is plugged in needs.
std::vector<IpAddress> KernelNetwork::hops(const Plug& plug) const {
  std::vector<IpAddress> out;
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    if (std::ranges::find(plug.addresses, family, &IpAddress::family) == plug.addresses.end()) continue;
    const IpAddress exchange = family == IpFamily::v4 ? gateway::kExchangeAddress : gateway::kExchangeAddressV6;
    const IpAddress inside = plug.place == sim::kInternet ? exchange : gateway(plug.place).plan.inside_address;
    // Inside a gateway, IPv6 has the same link-local next hop everywhere.
    out.push_back(inside.family() == family ? inside : gateway::kExchangeAddressV6);
  }
  return out;
}

Result<void> KernelNetwork::add_host(const sim::HostPlan& plan) {
  auto space = NetNamespace::create();
  if (!space) return std::unexpected(space.error());
  Host& host =
      *(hosts_[plan.name] = std::make_unique<Host>(Host{.space = std::move(*space), .name = plan.name, .wires = {}}));
  host.wires.push_back(std::make_unique<Wire>(
      Wire{kHostWire,
           plug_of({.place = plan.place, .region = plan.region, .addresses = plan.addresses, .link = plan.link})}));
  return plug_host(host, *host.wires.front());
}

KernelNetwork::Plug KernelNetwork::plug_of(const sim::AttachmentPlan& to) {
  return {
      .place = to.place, .region = to.region, .far = {}, .near_mac = {}, .link = to.link, .addresses = to.addresses};
}

Result<void> KernelNetwork::add_uplink(const std::string& name, const std::string& interface,
                                       const sim::AttachmentPlan& to) {
  Host& host = *hosts_.at(name);
  host.wires.push_back(std::make_unique<Wire>(Wire{interface, plug_of(to)}));
  // Routes by a wire without a carrier do not count, as where a network manager takes them away; and answers may come
  // by another wire than the kernel would ask by.
  for (const char* setting :
       {"ipv4/conf/all/ignore_routes_with_linkdown", "ipv6/conf/all/ignore_routes_with_linkdown"}) {
    if (auto done = set_sysctl(host.space, setting, "1"); !done) return done;
  }
  if (auto done = set_sysctl(host.space, "ipv4/conf/all/rp_filter", "0"); !done) return done;
  return plug_host(host, *host.wires.back());
}

Result<void> KernelNetwork::plug_host(Host& host, Wire& wire) {
  Plug& plug = wire.plug;
  if (auto done = plug_in(host.space, wire.interface, plug); !done) return done;
  std::string lines;
  for (const IpAddress& address : plug.addresses) {
    const auto network = plug.place == sim::kInternet ? std::nullopt : network_of(gateway(plug.place).plan, address);
    lines +=
        fmt::format("address add {}/{} dev {}{}\n", address.to_string(),
                    network ? network->length : address.bit_length(), wire.interface, address.is_v6() ? " nodad" : "");
    if (plug.place == sim::kInternet || (network && address.is_v4())) continue;
    if (auto done = route_to(address, plug); !done) return done;
  }
  const auto number =
      static_cast<std::size_t>(std::ranges::find(host.wires, &wire, &std::unique_ptr<Wire>::get) - host.wires.begin());
  return configure(host.space, lines + next_hop(wire.interface, plug, kFirstMetric + number));
}

/// Leads what the Internet sends to a public address through the gateways before it, which do not translate it.
Result<void> KernelNetwork::route_to(const IpAddress& address, const Plug& host) {
  for (const Plug* inner = &host; inner->place != sim::kInternet; inner = &gateway(inner->place).plug) {
    Gateway& at = gateway(inner->place);
    at.routed[address] = inner->near_mac;
    if (auto done = lead(at, address, inner->near_mac); !done) return done;
    if (at.plug.place == sim::kInternet)
      return tell(exchange_socket_, "addresses", port_json(at.plug, addresses_behind(at)));
  }
  return {};
}

/// Makes a gateway send what is for `address` to whoever is behind that link address.
Result<void> KernelNetwork::lead(Gateway& gateway, const IpAddress& address, const Mac& mac) {
  if (gateway.process) return tell_neighbour(gateway, "inside", address, mac);
  std::string lines = fmt::format("route replace {0}/{1} dev lan\nneigh replace {0} lladdr {2} dev lan nud permanent\n",
                                  address.to_string(), address.bit_length(), to_string(mac));
  if (address.is_v6()) {
    if (auto done = set_sysctl(gateway.space, "ipv6/conf/all/disable_ipv6", "0"); !done) return done;
    if (auto done = set_sysctl(gateway.space, "ipv6/conf/all/forwarding", "1"); !done) return done;
    Plug outside = gateway.plug;
    outside.addresses = {address};
    lines += next_hop("wan", outside);
  }
  return configure(gateway.space, lines);
}

std::vector<IpAddress> KernelNetwork::addresses_behind(const Gateway& gateway) {
  std::vector<IpAddress> addresses = gateway.plug.addresses;
  for (const auto& [address, mac] : gateway.routed) addresses.push_back(address);
  return addresses;
}

Result<void> KernelNetwork::tell_neighbour(const Gateway& gateway, const char* side, const IpAddress& address,
                                           const Mac& mac) const {
  return tell(gateway.socket, "neighbour", {{"side", side}, {"address", address.to_string()}, {"mac", to_string(mac)}});
}

Result<void> KernelNetwork::move_host(const std::string& name, const sim::AttachmentPlan& to) {
  Host& host = *hosts_.at(name);
  host.bytes_before += sent_bytes(host.space, kHostWire);
  if (auto done = unplug(host.space, kHostWire, host.first()); !done) return done;
  host.first() = plug_of(to);
  return plug_host(host, *host.wires.front());
}

Result<void> KernelNetwork::set_link_up(const std::string& name, const std::string& interface, bool up) {
  for (const auto& wire : hosts_.at(name)->wires) {
    if (wire->interface != (interface.empty() ? kHostWire : interface)) continue;
    const WireEnd& far = wire->plug.far;
    return configure(*far.space, "link set " + far.interface + (up ? " up\n" : " down\n"));
  }
  return fail(ErrorCode::usage, name + " has no interface " + interface);
}

Result<void> KernelNetwork::set_links_up(const std::string& name, bool up) {
  for (const auto& wire : hosts_.at(name)->wires) {
    if (auto done = set_link_up(name, wire->interface, up); !done) return done;
  }
  return {};
}

Result<void> KernelNetwork::set_asleep(const std::string& name, bool asleep) {
  const Host& host = *hosts_.at(name);
  std::string wires;
  for (const auto& wire : host.wires) wires += (wires.empty() ? "\"" : ", \"") + wire->interface + "\"";
  const std::string rules = fmt::format(
      "table inet asleep {{\n"
      "  chain in {{ type filter hook prerouting priority -300; policy accept; iifname {{ {0} }} drop; }}\n"
      "  chain out {{ type filter hook postrouting priority 300; policy accept; oifname {{ {0} }} drop; }}\n}}\n",
      wires);
  auto done = run_in(host.space, {"nft", "-f", "-"}, asleep ? rules : "delete table inet asleep\n");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<void> KernelNetwork::set_link(const std::string& name, const sim::LinkPlan& link) {
  Plug& plug = hosts_.at(name)->first();
  if (plug.place != sim::kInternet) return {};  // the link is the site's
  plug.link = link;
  return tell(exchange_socket_, "link", port_json(plug, plug.addresses));
}

std::uint64_t KernelNetwork::bytes_sent(const std::string& name) const {
  const Host& host = *hosts_.at(name);
  std::uint64_t bytes = host.bytes_before;
  for (const auto& wire : host.wires) bytes += sent_bytes(host.space, wire->interface);
  return bytes;
}

const KernelNetwork::Plug& KernelNetwork::outermost(const std::string& name) const {
  const Plug* plug = &hosts_.at(name)->first();
  while (plug->place != sim::kInternet) plug = &gateway(plug->place).plug;
  return *plug;
}

std::string KernelNetwork::exchange_port(const std::string& name) const { return outermost(name).far.interface; }

IpAddress KernelNetwork::public_address(const std::string& name) const { return outermost(name).addresses.front(); }

Result<void> KernelNetwork::set_way(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path) {
  const gateway::RegionWay way{.delay = path.delay, .loss_ppm = path.loss_ppm, .cut = path.cut};
  return tell(exchange_socket_, "way", {{"from", from}, {"to", to}, {"way", to_json(way)}});
}

// --- gateways ---

sim::Gateway KernelNetwork::add_gateway(const sim::GatewayPlan& plan, const nat::Behavior& behavior) {
  const auto id = static_cast<sim::GatewayId>(gateways_.size());
  auto space = NetNamespace::create();
  if (!space) {
    if (!problem_) problem_ = space.error();
    return {.id = id, .inside = id + 1};
  }
  gateways_.push_back(std::make_unique<Gateway>(Gateway{.space = std::move(*space),
                                                        .plan = plan,
                                                        .behavior = behavior,
                                                        .plug = {},
                                                        .routed = {},
                                                        .process = {},
                                                        .proxy_host = {},
                                                        .proxy = {},
                                                        .socket = {}}));
  if (auto done = problem_ ? Result<void>{} : build(*gateways_.back()); !done) problem_ = done.error();
  return {.id = id, .inside = id + 1};
}

/// A link that lies between two gateways is the inner one's business, and only our process has one.
bool KernelNetwork::by_netfilter(const Gateway& gateway) const {
  if (options_.nat == NatEngine::gateway) return false;
  if (options_.nat == NatEngine::nftables) return true;
  return express(gateway.behavior).has_value() && (gateway.plug.place == sim::kInternet || is_plain(gateway.plug.link));
}

Result<void> KernelNetwork::build(Gateway& gateway) {
  gateway.lan_mac = next_mac();
  gateway.socket = options_.folder + "/gateway" + std::to_string(gateways_.size()) + ".sock";
  gateway.plug.place = gateway.plan.outer;
  gateway.plug.region = gateway.plan.region;
  gateway.plug.link = gateway.plan.link;
  gateway.plug.addresses = gateway.plan.external;
  const bool ipv6 = gateway.plan.inside_address.is_v6() || gateway.plan.inside_ipv6;
  if (auto done = set_sysctl(gateway.space, "ipv6/conf/all/disable_ipv6", ipv6 ? "0" : "1"); !done) return done;
  if (auto done = make_bridge({&gateway.space, "lan", gateway.lan_mac}); !done) return done;
  std::string lines =
      fmt::format("address add {}/{} dev lan\n", gateway.plan.inside_address.to_string(), gateway.plan.inside.length);
  // A kernel that does not forward would answer "no route" to what the gateway process forwards.
  if (ipv6) lines += "route add blackhole ::/0 metric 4096\n";
  if (auto done = configure(gateway.space, lines); !done) return done;
  if (auto done = plug_in(gateway.space, "wan", gateway.plug); !done) return done;
  return install(gateway);
}

Result<void> KernelNetwork::install(Gateway& gateway) {
  gateway.process.reset();
  gateway.proxy.reset();
  if (auto done = configure(gateway.space, "address flush dev wan\n"); !done) return done;
  if (auto done = run_in(gateway.space, {"nft", "flush", "ruleset"}); !done) return std::unexpected(done.error());
  const bool netfilter = by_netfilter(gateway);
  if (auto done = set_sysctl(gateway.space, "ipv4/ip_forward", netfilter ? "1" : "0"); !done) return done;
  if (auto done = netfilter ? install_nftables(gateway) : start_process(gateway); !done) return done;
  for (const auto& [address, mac] : gateway.routed) {
    if (auto done = lead(gateway, address, mac); !done) return done;
  }
  return {};
}

Result<void> KernelNetwork::address_outside(Gateway& gateway) {
  std::string lines;
  for (const IpAddress& address : gateway.plug.addresses) {
    const int length = gateway.plug.place == sim::kInternet ? 32 : this->gateway(gateway.plug.place).plan.inside.length;
    lines += fmt::format("address add {}/{} dev wan\n", address.to_string(), length);
  }
  return configure(gateway.space, lines + next_hop("wan", gateway.plug));
}

Result<void> KernelNetwork::install_nftables(Gateway& gateway) {
  const auto nat = express(gateway.behavior);
  if (!nat) return fail(ErrorCode::usage, gateway.behavior.name + ": netfilter cannot express " + nat.error());
  if (auto done = address_outside(gateway); !done) return done;
  if (!nat->rules.empty()) {
    if (auto done = run_in(gateway.space, {"nft", "-f", "-"}, nat->rules); !done) return std::unexpected(done.error());
  }
  for (const auto& [name, value] : nat->sysctls) {
    if (auto done = set_sysctl(gateway.space, name, value); !done) return done;
  }
  return start_proxy(gateway);
}

/// On the gateway itself where that is the kernel's, else on a host of the site.
IpAddress KernelNetwork::proxy_address(const Gateway& gateway) const {
  const IpAddress& own = gateway.plan.inside_address;
  return by_netfilter(gateway) ? own : IpAddress::v4((own.v4_host_order() & ~0xFFu) | kProxyHost);
}

Result<void> KernelNetwork::make_proxy_host(Gateway& gateway) {
  if (gateway.proxy_host) return {};
  auto space = NetNamespace::create();
  if (!space) return std::unexpected(space.error());
  gateway.proxy_host = std::make_unique<ProxyHost>(ProxyHost{.space = std::move(*space), .plug = {}});
  auto& [host, plug] = *gateway.proxy_host;
  plug.place = static_cast<sim::PlaceId>(std::ranges::find(gateways_, &gateway, &std::unique_ptr<Gateway>::get) -
                                         gateways_.begin() + 1);
  plug.addresses = {proxy_address(gateway)};
  if (auto done = plug_in(host, "eth0", plug); !done) return done;
  return configure(host, fmt::format("address add {}/{} dev eth0\n", plug.addresses.front().to_string(),
                                     gateway.plan.inside.length) +
                             next_hop("eth0", plug));
}

Result<void> KernelNetwork::start_proxy(Gateway& gateway) {
  gateway.proxy.reset();
  const auto& model = gateway.behavior.http_proxy;
  if (!model) return {};
  const NetNamespace* space = &gateway.space;
  if (!by_netfilter(gateway)) {
    if (auto done = make_proxy_host(gateway); !done) return done;
    space = &gateway.proxy_host->space;
  }
  const std::string at = proxy_address(gateway).to_string() + ":" + std::to_string(model->port);
  std::vector<std::string> arguments{options_.weft_lab, "connect-proxy", "--listen", at};
  for (const std::uint16_t port : model->connect_ports)
    arguments.insert(arguments.end(), {"--connect-port", std::to_string(port)});
  if (!model->user.empty()) arguments.insert(arguments.end(), {"--user", model->user, "--password", model->password});
  auto process = HostProcess::start(*space, {.name = "proxy of " + gateway.plan.name,
                                             .arguments = std::move(arguments),
                                             .environment = {},
                                             .input = {},
                                             .log = options_.folder + "/gateways.log",
                                             .working_directory = {}});
  if (!process) return std::unexpected(process.error());
  gateway.proxy = std::move(*process);
  return {};
}

std::string KernelNetwork::proxy(sim::GatewayId id) const {
  const Gateway& gateway = *gateways_.at(id);
  const auto& model = gateway.behavior.http_proxy;
  if (!model) return {};
  const std::string user =
      model->user.empty() ? "" : percent_encode(model->user) + ":" + percent_encode(model->password) + "@";
  return "http://" + user + proxy_address(gateway).to_string() + ":" + std::to_string(model->port);
}

std::vector<std::string> KernelNetwork::external_flags(const Gateway& gateway) const {
  const int length = gateway.plug.place == sim::kInternet ? 32 : this->gateway(gateway.plug.place).plan.inside.length;
  std::vector<std::string> out;
  for (const IpAddress& address : gateway.plug.addresses)
    out.push_back(address.to_string() + "/" + std::to_string(length));
  return out;
}

Result<void> KernelNetwork::start_process(Gateway& gateway) {
  const bool public_place = gateway.plug.place == sim::kInternet;
  const IpAddress hop =
      public_place ? gateway::kExchangeAddress : this->gateway(gateway.plug.place).plan.inside_address;
  const Mac hop_mac = public_place ? gateway.plug.far.mac : this->gateway(gateway.plug.place).lan_mac;
  std::vector<std::string> arguments{
      options_.weft_lab, "gateway",       "--inside", "lan",
      "--outside",       "wan",           "--model",  gateway.behavior.file,
      "--socket",        gateway.socket,  "--seed",   std::to_string(options_.seed * 1000 + gateways_.size()),
      "--via",           hop.to_string(), "--via",    gateway::kExchangeAddressV6.to_string()};
  for (const std::string& each : external_flags(gateway)) arguments.insert(arguments.end(), {"--external", each});
  if (gateway.behavior.http_proxy)
    arguments.insert(arguments.end(), {"--proxy-address", proxy_address(gateway).to_string()});
  auto process = HostProcess::start(gateway.space, {.name = "gateway " + gateway.plan.name,
                                                    .arguments = arguments,
                                                    .environment = {},
                                                    .input = {},
                                                    .log = options_.folder + "/gateways.log",
                                                    .working_directory = {}});
  if (!process) return std::unexpected(process.error());
  gateway.process = std::move(*process);
  auto ready =
      wait_for(*gateway.process, kStartLimit, [&] { return call(gateway.socket, "show", json::object()).has_value(); });
  if (!ready) return ready;
  for (const IpAddress& each : {hop, gateway::kExchangeAddressV6}) {
    if (auto done = tell_neighbour(gateway, "outside", each, hop_mac); !done) return done;
  }
  if (auto done = start_proxy(gateway); !done) return done;
  if (public_place || is_plain(gateway.plug.link)) return {};
  return set_link(static_cast<sim::GatewayId>(std::ranges::find(gateways_, &gateway, &std::unique_ptr<Gateway>::get) -
                                              gateways_.begin()),
                  gateway.plug.link);
}

Result<void> KernelNetwork::set_link(sim::GatewayId id, const sim::LinkPlan& link) {
  Gateway& gateway = *gateways_.at(id);
  gateway.plug.link = link;
  if (gateway.plug.place == sim::kInternet) {
    return tell(exchange_socket_, "link", port_json(gateway.plug, gateway.plug.addresses));
  }
  if (!gateway.process) return install(gateway);  // netfilter until now: only the process has a link
  return tell(gateway.socket, "link",
              {{"delay_ms", to_ms(link.delay)},
               {"jitter_ms", to_ms(link.jitter)},
               {"loss_ratio", link.loss_ppm / 1e6},
               {"loss_run", std::max(1u, link.loss_burst)},
               {"up_mbps", static_cast<double>(link.up_bps) / 1e6},
               {"down_mbps", static_cast<double>(link.down_bps) / 1e6},
               {"queue_ms", to_ms(up_of(link).queue)}});
}

Result<void> KernelNetwork::set_behavior(sim::GatewayId id, const nat::Behavior& behavior) {
  Gateway& gateway = *gateways_.at(id);
  gateway.behavior = behavior;
  if (auto done = install(gateway); !done) return done;
  return reboot(id, {});
}

Result<void> KernelNetwork::reboot(sim::GatewayId id, const std::vector<IpAddress>& external) {
  Gateway& gateway = *gateways_.at(id);
  if (!external.empty()) {
    gateway.plug.addresses = external;
    if (gateway.plug.place == sim::kInternet) {
      auto done = tell(exchange_socket_, "addresses", port_json(gateway.plug, addresses_behind(gateway)));
      if (!done) return done;
    }
  }
  if (gateway.process) {
    json params = json::object();
    if (!external.empty()) params["external"] = external_flags(gateway);
    if (auto done = tell(gateway.socket, "restart", params); !done) return done;
    return start_proxy(gateway);  // its connections are gone
  }
  if (!external.empty()) {
    if (auto done = configure(gateway.space, "address flush dev wan\n"); !done) return done;
    if (auto done = address_outside(gateway); !done) return done;
  }
  if (gateway.behavior.translation == nat::Translation::none) return {};
  if (auto done = run_in(gateway.space, {"conntrack", "-F"}); !done) return std::unexpected(done.error());
  return start_proxy(gateway);  // its connections are gone
}

std::map<std::string, const NetNamespace*> KernelNetwork::spaces() const {
  std::map<std::string, const NetNamespace*> all{{"exchange", &*core_}};
  for (const auto& gateway : gateways_) all[gateway->plan.name] = &gateway->space;
  for (const auto& [name, host] : hosts_) all[name] = &host->space;
  return all;
}

std::optional<Error> KernelNetwork::ended() {
  std::vector<HostProcess*> all{&*exchange_};
  for (const auto& gateway : gateways_) {
    if (gateway->process) all.push_back(&*gateway->process);
    if (gateway->proxy) all.push_back(&*gateway->proxy);
  }
  for (HostProcess* process : all) {
    if (auto how = process->ended()) return ended_early(*process, *how);
  }
  return std::nullopt;
}

}  // namespace weft::kernel

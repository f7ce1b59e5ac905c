// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/deployment.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_client.h"
#include "sim/kernel/clock.h"
#include "sim/kernel/waiting.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

using nlohmann::json;

constexpr Duration kStartLimit = 20s;
constexpr Duration kAnswerLimit = 10s;
constexpr Duration kFresh = 40ms;  // a status that old is not asked for again
// As in a World (sim/scenario/deployment.cc), so that ports are the same on the wire.
constexpr const char* kAgentPort = "41641";

Result<json> ask(bin::Service service, const std::string& socket, const std::string& method, const json& params) {
  const bin::Settings settings{.socket = socket, .state = {}, .log_level = {}, .log_json = false};
  return bin::call_daemon(service, settings, method, params, kAnswerLimit);
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& member(const json& object, const char* key) {
  static const json kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

IpAddress first_address(const json& object, IpFamily family) {
  for (const json& address : member(object, "addresses")) {
    const auto parsed = IpAddress::parse(address.get<std::string>());
    if (parsed && parsed->family() == family) return *parsed;
  }
  return {};
}

}  // namespace

struct KernelDeployment::Status {
  json object;
  Time at;
};

KernelDeployment::KernelDeployment(Lab& lab, const sim::Scenario& scenario) : lab_(lab), scenario_(scenario) {}
KernelDeployment::~KernelDeployment() = default;

Result<HostProcess> KernelDeployment::daemon(const std::string& host, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), lab_.options().weft);
  arguments.insert(arguments.end(), {"--state", lab_.folder() + "/state-" + host});
  // The configuration of the machine is nobody's business in here.
  return HostProcess::start(lab_.network().space(host),
                            {.name = host,
                             .arguments = std::move(arguments),
                             .environment = {"WEFT_CONFIG=" + lab_.folder() + "/weft.json", "WEFT_KEY=" + token_,
                                             "HTTPS_PROXY=" + lab_.proxy(host), "NO_PROXY="},
                             .input = {},
                             .log = lab_.folder() + "/" + host + ".log",
                             .working_directory = {},
                             .hosts = lab_.knows(host) ? lab_.hosts_file(host) : std::string()});
}

Result<void> KernelDeployment::start() {
  {
    std::ofstream config(lab_.folder() + "/weft.json");
    config << "{}\n";
  }
  if (auto done = start_coordinator(); !done) return done;
  auto key = ask(bin::Service::coordinator, socket("coordinator"), "key.create", {{"reusable", true}});
  if (!key) return std::unexpected(key.error());
  token_ = text(*key, "token");
  for (const sim::RelaySpec& relay : scenario_.relays) {
    if (auto done = start_relay(relay.name); !done) return done;
  }
  for (const sim::NodeSpec& node : scenario_.nodes) {
    if (auto done = start_agent(node.name); !done) return done;
  }
  return {};
}

Result<void> KernelDeployment::start_coordinator() {
  std::vector<std::string> arguments{"coordinator", "--socket", socket("coordinator")};
  for (const IpAddress& address : lab_.addresses("coordinator"))
    arguments.insert(arguments.end(), {"--listen", Endpoint{address, 443}.to_string()});
  if (!lab_.options().tls) arguments.emplace_back("--no-tls");
  auto process = daemon("coordinator", std::move(arguments));
  if (!process) return std::unexpected(process.error());
  coordinator_ = std::move(*process);
  return wait_for(*coordinator_, kStartLimit, [this] {
    return ask(bin::Service::coordinator, socket("coordinator"), "key.list", json::object()).has_value();
  });
}

Result<void> KernelDeployment::start_relay(const std::string& name) {
  std::vector<std::string> arguments{"relay", "--name", name};
  for (const IpAddress& address : lab_.addresses(name)) {
    arguments.insert(arguments.end(), {"--listen", Endpoint{address, 443}.to_string()});
    for (const std::uint16_t port : {3478, 3479})
      arguments.insert(arguments.end(), {"--stun", Endpoint{address, port}.to_string()});
  }
  if (!lab_.options().tls) arguments.emplace_back("--no-tls");
  auto process = daemon(name, std::move(arguments));
  if (!process) return std::unexpected(process.error());
  relays_.insert_or_assign(name, std::move(*process));
  return {};
}

Result<void> KernelDeployment::start_agent(const std::string& node) {
  statuses_.erase(node);
  frozen_.erase(node);
  std::vector<std::string> arguments{
      "agent",    "--up",     "--name",     node,         "--udp-port",
      kAgentPort, "--socket", socket(node), "--topology", std::string(agent::name(scenario_.overlay.kind))};
  if (!scenario_.overlay.hub.empty()) arguments.insert(arguments.end(), {"--hub", scenario_.overlay.hub});
  const auto spec = std::ranges::find(scenario_.nodes, node, &sim::NodeSpec::name);
  if (spec->relay_for_peers != 0)
    arguments.insert(arguments.end(), {"--relay-for-peers", std::to_string(spec->relay_for_peers)});
  auto process = daemon(node, std::move(arguments));
  if (!process) return std::unexpected(process.error());
  agents_.insert_or_assign(node, std::move(*process));
  return {};
}

/// Empty while the agent does not answer.
const json& KernelDeployment::status(const std::string& node) {
  static const json kNothing;
  if (!agents_.contains(node)) return kNothing;
  const auto known = statuses_.find(node);
  if (known != statuses_.end() && (frozen_.contains(node) || now() - known->second.at < kFresh))
    return known->second.object;
  auto answer = ask(bin::Service::agent, socket(node), "status", json::object());
  return (statuses_[node] = {answer ? std::move(*answer) : json(), now()}).object;
}

bool KernelDeployment::complete(const std::string& node) {
  const json& all = status(node);
  const json& peers = member(all, "peers");
  return !text(member(all, "self"), "relay").empty() && peers.size() + 1 == scenario_.nodes.size() &&
         std::ranges::all_of(
             peers, [](const json& peer) { return peer.value("online", false) && !text(peer, "relay").empty(); });
}

bool KernelDeployment::complete() {
  return std::ranges::all_of(scenario_.nodes, [this](const sim::NodeSpec& node) { return complete(node.name); });
}

std::string KernelDeployment::what_is_missing() {
  for (const sim::NodeSpec& node : scenario_.nodes) {
    if (complete(node.name)) continue;
    const json& all = status(node.name);
    const json& coordinator = member(all, "coordinator");
    return node.name + " has home relay '" + text(member(all, "self"), "relay") + "', sees " +
           std::to_string(member(all, "peers").size()) + " of " + std::to_string(scenario_.nodes.size() - 1) +
           " others, coordinator: " + (coordinator.value("connected", false) ? "connected" : "not connected ") +
           text(coordinator, "error");
  }
  return "nothing";
}

std::optional<sim::PeerView> KernelDeployment::peer(const std::string& node, const std::string& other) {
  for (const json& peer : member(status(node), "peers")) {
    if (text(peer, "name") != other) continue;
    sim::PeerView view{.path = sim::path_class(text(peer, "path")).value_or(sim::PathClass::none),
                       .settled = text(peer, "state") == "settled",
                       .time_to_direct = {},
                       .reason = text(peer, "reason"),
                       .via = text(peer, "via")};
    const json& took = member(peer, "time_to_direct_ms");
    if (took.is_number()) view.time_to_direct = Duration(static_cast<std::int64_t>(took.get<double>() * 1e6));
    return view;
  }
  return std::nullopt;
}

IpAddress KernelDeployment::overlay_address(const std::string& node, IpFamily family) {
  IpAddress& known = overlay_addresses_[{node, family}];
  if (known.is_unspecified()) known = first_address(member(status(node), "self"), family);
  return known;
}

Result<void> KernelDeployment::stop_relay(const std::string& name) {
  auto done = lab_.network().set_links_up(name, false);
  relays_.erase(name);
  return done;
}

Result<void> KernelDeployment::restart_relay(const std::string& name) {
  if (auto done = lab_.network().set_links_up(name, true); !done) return done;
  return start_relay(name);
}

Result<void> KernelDeployment::stop_coordinator() {
  auto done = lab_.network().set_links_up("coordinator", false);
  coordinator_.reset();
  return done;
}

Result<void> KernelDeployment::restart_coordinator() {
  if (auto done = lab_.network().set_links_up("coordinator", true); !done) return done;
  return start_coordinator();
}

Result<void> KernelDeployment::stop_agent(const std::string& node) {
  overlay_address(node);
  auto done = lab_.network().set_links_up(node, false);
  agents_.erase(node);
  return done;
}

Result<void> KernelDeployment::restart_agent(const std::string& node) {
  if (auto done = lab_.network().set_links_up(node, true); !done) return done;
  return start_agent(node);
}

void KernelDeployment::freeze(const std::string& node, bool frozen) {
  const auto agent = agents_.find(node);
  if (agent == agents_.end()) return;
  if (frozen) status(node);  // it will not answer for a while
  agent->second.signal(frozen ? SIGSTOP : SIGCONT);
  frozen ? (void)frozen_.insert(node) : (void)frozen_.erase(node);
}

std::optional<Error> KernelDeployment::ended() {
  if (coordinator_) {
    if (auto how = coordinator_->ended()) return ended_early(*coordinator_, *how);
  }
  for (auto* processes : {&relays_, &agents_}) {
    for (auto& [name, process] : *processes) {
      if (auto how = process.ended()) return ended_early(process, *how);
    }
  }
  return std::nullopt;
}

}  // namespace weft::kernel

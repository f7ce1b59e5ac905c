// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/iperf_flow.h"

#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/kernel/clock.h"
#include "sim/kernel/waiting.h"

namespace weft::kernel {
namespace {

using Kind = sim::FlowPlan::Kind;

constexpr Duration kStartLimit = 5s;
constexpr Duration kReportLimit = 2s;  // after the client has said that it ends
constexpr const char* kForever = "86400";

/// Whether something in the namespace listens on the TCP port, on any address.
bool listens(const NetNamespace& space, std::uint16_t port) {
  const Inside inside(space);
  for (const char* table : {"/proc/thread-self/net/tcp6", "/proc/thread-self/net/tcp"}) {
    std::ifstream file(table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream fields(line);
      std::string number, local, remote, state;
      fields >> number >> local >> remote >> state;
      const auto colon = local.rfind(':');
      if (state == "0A" && colon != std::string::npos && std::stoul(local.substr(colon + 1), nullptr, 16) == port)
        return true;
    }
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<IperfFlow>> IperfFlow::start(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port,
                                                    const std::string& folder) {
  std::unique_ptr<IperfFlow> flow(
      new IperfFlow(ends, plan, port, folder + "/iperf3-" + std::to_string(port) + ".json"));
  auto server = HostProcess::start(ends.to, {.name = "iperf3",
                                             .arguments = {"iperf3", "-s", "-1", "-J", "-p", std::to_string(port)},
                                             .environment = {},
                                             .input = {},
                                             .log = flow->report_,
                                             .working_directory = {}});
  if (!server) return std::unexpected(server.error());
  flow->server_ = std::move(*server);
  auto ready = wait_for(*flow->server_, kStartLimit, [&] { return listens(ends.to, port); });
  if (!ready) return std::unexpected(ready.error());
  return flow;
}

IperfFlow::IperfFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port, std::string report)
    : ends_(ends),
      plan_(plan),
      port_(port),
      report_(std::move(report)),
      start_(ends.host.make_timer([this] { run_client(); })),
      stop_(ends.host.make_timer([this] {
        if (client_) client_->signal(SIGINT);  // it tells the server, which then reports
      })) {
  start_->arm(plan.start);
  stop_->arm(*plan.stop);
}

IperfFlow::~IperfFlow() = default;

void IperfFlow::run_client() {
  std::vector<std::string> arguments{"iperf3", "-c",    plan_.destination.to_string(), "-p", std::to_string(port_),
                                     "-t",     kForever};
  if (plan_.kind == Kind::iperf3_udp) arguments.insert(arguments.end(), {"-u", "-l", std::to_string(plan_.packet)});
  if (plan_.rate_bps > 0) arguments.insert(arguments.end(), {"-b", std::to_string(plan_.rate_bps)});
  auto client = HostProcess::start(ends_.from, {.name = "iperf3",
                                                .arguments = std::move(arguments),
                                                .environment = {},
                                                .input = {},
                                                .log = {},
                                                .working_directory = {}});
  if (client) client_ = std::move(*client);
}

sim::FlowSample IperfFlow::sample() const {
  if (server_ && now() >= *plan_.stop)
    (void)wait_for(*server_, kReportLimit, [this] { return server_->ended().has_value(); });
  std::ifstream file(report_);
  const auto report = nlohmann::json::parse(file, nullptr, false);
  if (report.is_discarded() || !report.contains("/end/sum_received"_json_pointer)) return {};
  const auto& sum = report["end"]["sum_received"];
  sim::FlowSample sample{
      .received = sum.value("bytes", std::uint64_t{0}),
      .packets = sum.value("packets", std::uint64_t{0}) - sum.value("lost_packets", std::uint64_t{0})};
  if (sample.received == 0) return sample;
  sample.first = plan_.start;
  sample.last = plan_.start + Duration(static_cast<std::int64_t>(sum.value("seconds", 0.0) * 1e9));
  return sample;
}

}  // namespace weft::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/kernel_stage.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mesh/io/timer.h"
#include "sim/kernel/clock.h"
#include "sim/kernel/datagram_flow.h"
#include "sim/kernel/iperf_flow.h"
#include "sim/kernel/stream_flow.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

constexpr Duration kTurn = 10ms;          // between two looks at a condition, without an event
constexpr Duration kLookForEnds = 200ms;  // between two looks at processes that may have ended

}  // namespace

KernelStage::KernelStage(const sim::Scenario& scenario, const sim::NatChains& chains, const LabOptions& options)
    : scenario_(scenario), chains_(chains), options_(options) {
  ::signal(SIGPIPE, SIG_IGN);
  loop_.on_signal({SIGINT, SIGTERM, SIGHUP}, [this](int number) {
    if (!broken_) broken_ = Error{ErrorCode::internal, std::string("interrupted (") + ::strsignal(number) + ")"};
  });
}

KernelStage::~KernelStage() = default;

Result<void> KernelStage::start() {
  if (auto able = check_expressible(scenario_, chains_, options_.nat); !able) return able;
  auto host = host::AsioHost::create(loop_, {});
  if (!host) return std::unexpected(host.error());
  host_ = std::move(*host);
  auto lab = Lab::build(scenario_, chains_, options_);
  if (!lab) return std::unexpected(lab.error());
  lab_ = std::move(*lab);
  deployment_ = std::make_unique<KernelDeployment>(*lab_, scenario_);
  timeline_ = std::make_unique<KernelTimeline>(*lab_, scenario_, chains_, *deployment_);
  return deployment_->start();
}

Time KernelStage::now() const { return kernel::now(); }

bool KernelStage::run_until(const std::function<bool()>& done, Time deadline) {
  while (true) {
    if (done()) return true;
    const Duration left = deadline - now();
    if (left <= 0ns) return false;
    loop_.run_one(std::min<Duration>(left, kTurn));
    look_for_ends();
  }
}

void KernelStage::look_for_ends() {
  if (broken_ || now() < look_again_) return;
  look_again_ = now() + kLookForEnds;
  broken_ = lab_->network().ended();
  if (!broken_) broken_ = deployment_->ended();
}

void KernelStage::at(Time when, std::function<void()> task) {
  tasks_.push_back(host_->make_timer(std::move(task)));
  tasks_.back()->arm(when);
}

Result<EchoSocket*> KernelStage::echo_socket(const std::string& node) {
  auto& socket = echo_sockets_[node];
  if (socket) return socket.get();
  auto opened = EchoSocket::open(loop_, lab_->network().space(node));
  if (!opened) return std::unexpected(opened.error());
  socket = std::move(*opened);
  socket->on_arrival = [this](const EchoSocket::Arrival& arrival) {
    for (EchoRun* run : echoes_) run->note(arrival);
  };
  return socket.get();
}

Result<std::unique_ptr<sim::PingRun>> KernelStage::ping(const sim::PingSpec& spec, Time start) {
  const auto from = echo_socket(spec.from), to = echo_socket(spec.to);
  if (!from) return std::unexpected(from.error());
  if (!to) return std::unexpected(to.error());
  auto run = std::make_unique<EchoRun>(*host_, **from,
                                       EchoPlan{.destination = deployment_->overlay_address(spec.to),
                                                .start = start,
                                                .interval = spec.interval,
                                                .count = spec.count,
                                                .flow = echoes_.size() + 1,
                                                .alive = [this, node = spec.from] { return deployment_->runs(node); }});
  echoes_.push_back(run.get());
  return run;
}

Result<std::unique_ptr<sim::FlowRun>> KernelStage::start_flow(const sim::FlowSpec& spec, Time t0) {
  using Kind = sim::FlowPlan::Kind;
  const FlowEnds ends{*host_, lab_->network().space(spec.from), lab_->network().space(spec.to)};
  const std::uint16_t port = next_flow_port_++;
  sim::FlowPlan plan = spec.plan;
  plan.destination = deployment_->overlay_address(spec.to, spec.ipv6 ? IpFamily::v6 : IpFamily::v4);
  plan.start = t0 + spec.start;
  if (spec.stop) plan.stop = t0 + *spec.stop;
  const auto started = [](auto flow) -> Result<std::unique_ptr<sim::FlowRun>> {
    if (!flow) return std::unexpected(flow.error());
    return std::move(*flow);
  };
  if (plan.kind == Kind::iperf3_tcp || plan.kind == Kind::iperf3_udp)
    return started(IperfFlow::start(ends, plan, port, lab_->folder()));
  if (plan.kind == Kind::bulk_send) return started(StreamFlow::start(ends, plan, port));
  return started(DatagramFlow::start(ends, plan, port));
}

std::vector<std::string> KernelStage::violations() const {
  const auto shown = lab_->network().show_exchange();
  if (!shown) return {"the exchange does not say what it saw: " + shown.error().message};
  return shown->value("violations", std::vector<std::string>{});
}

std::optional<sim::EmulationResult> KernelStage::emulation() const {
  if (!options_.emulated) return std::nullopt;
  const auto shown = lab_->network().show_exchange();
  if (!shown || !shown->contains("lateness")) return std::nullopt;
  const auto& late = (*shown)["lateness"];
  const auto duration = [&](const char* key) { return Duration(late.at(key).get<std::int64_t>()); };
  return sim::EmulationResult{.packets = late.at("packets"),
                              .late_median = duration("median_ns"),
                              .late_p99 = duration("p99_ns"),
                              .late_most = duration("most_ns")};
}

void KernelStage::stay() {
  if (!lab_) return;
  echoes_.clear();  // the run they were of is over
  tasks_.clear();
  std::fprintf(
      stderr,
      "weft-lab: laboratory %s stays, with its files in %s; look around with `weft-lab shell NODE`, end it with "
      "Ctrl-C\n",
      lab_->name().c_str(), lab_->folder().c_str());
  while (!broken_) loop_.run_one(1s);
}

}  // namespace weft::kernel

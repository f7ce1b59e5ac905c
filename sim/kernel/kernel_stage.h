// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "sim/kernel/deployment.h"
#include "sim/kernel/echo.h"
#include "sim/kernel/lab.h"
#include "sim/kernel/timeline.h"
#include "sim/scenario/stage.h"

namespace weft::kernel {

/// A scenario in the kernel world, in real time. SIGINT, SIGTERM and SIGHUP break it, and all it made goes with it.
class KernelStage final : public sim::Stage {
 public:
  /// `scenario` has been drawn. References outlive the stage.
  KernelStage(const sim::Scenario& scenario, const sim::NatChains& chains, const LabOptions& options);
  ~KernelStage() override;

  std::string_view world() const override { return options_.emulated ? "emulation" : "kernel"; }
  Result<void> start() override;
  bool complete() override { return deployment_->complete(); }
  std::string what_is_missing() override { return deployment_->what_is_missing(); }

  Time now() const override;
  bool run_until(const std::function<bool()>& done, Time deadline) override;
  void at(Time when, std::function<void()> task) override;
  std::optional<Error> broken() const override { return broken_; }

  std::optional<sim::PeerView> peer(const std::string& node, const std::string& other) override {
    return deployment_->peer(node, other);
  }
  Result<std::unique_ptr<sim::PingRun>> ping(const sim::PingSpec& spec, Time start) override;
  Result<std::unique_ptr<sim::FlowRun>> start_flow(const sim::FlowSpec& spec, Time t0) override;
  Result<void> apply(const sim::EventSpec& event) override { return timeline_->apply(event); }

  bool knows(const std::string& node) const override { return lab_->knows(node); }
  Duration least_delay(const std::string& from, const std::string& to) const override {
    return lab_->least_delay(from, to);
  }
  bool counts_bytes() const override { return true; }
  std::uint64_t bytes_sent(const std::string& node) override { return lab_->network().bytes_sent(node); }
  std::vector<std::string> violations() const override;
  std::optional<sim::EmulationResult> emulation() const override;
  std::string trace_hash() const override { return {}; }

  /// Leaves everything running until a signal comes, and says on standard error how to look around.
  void stay();

 private:
  Result<EchoSocket*> echo_socket(const std::string& node);
  void look_for_ends();

  const sim::Scenario& scenario_;
  const sim::NatChains& chains_;
  LabOptions options_;
  host::AsioLoop loop_;
  std::unique_ptr<host::AsioHost> host_;
  std::optional<Error> broken_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<KernelDeployment> deployment_;
  std::unique_ptr<KernelTimeline> timeline_;
  std::map<std::string, std::unique_ptr<EchoSocket>> echo_sockets_;
  std::vector<EchoRun*> echoes_;
  std::uint16_t next_flow_port_ = 5201;  // iperf3's own
  std::vector<std::unique_ptr<io::Timer>> tasks_;
  Time look_again_{};
};

}  // namespace weft::kernel

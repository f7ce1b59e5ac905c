// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <optional>

#include "sim/scenario/deployment.h"
#include "sim/scenario/invariants.h"
#include "sim/scenario/neighbours.h"
#include "sim/scenario/relay_traffic.h"
#include "sim/scenario/stage.h"
#include "sim/scenario/timeline.h"

namespace weft::sim {

struct RunOptions;

/// A scenario in a World: the shipped agents and services in this process, in virtual time.
class SimStage final : public Stage {
 public:
  /// `scenario` has been drawn. References outlive the stage.
  SimStage(const Scenario& scenario, const NatChains& chains, const RunOptions& options);

  std::string_view world() const override { return "sim"; }
  Result<void> start() override;
  /// What is behind the stage, for what only a simulation has (rival_run.h).
  World& simulation() { return *world_; }
  Deployment& deployment() { return deployment_; }
  bool complete() override { return deployment_.complete(); }
  std::string what_is_missing() override { return deployment_.what_is_missing(); }

  Time now() const override { return world_->now(); }
  bool run_until(const std::function<bool()>& done, Time deadline) override {
    return world_->run_until(done, deadline);
  }
  void at(Time when, std::function<void()> task) override { world_->at(when, std::move(task)); }

  std::optional<PeerView> peer(const std::string& node, const std::string& other) override;
  std::optional<bool> direct_exists(const std::string& node, const std::string& other) override;
  std::optional<SearchCost> search_cost(const std::string& node, const std::string& other) override;
  std::string explain(const std::string& node, const std::string& other) override;
  Result<std::unique_ptr<PingRun>> ping(const PingSpec& spec, Time start) override;
  Result<std::unique_ptr<FlowRun>> start_flow(const FlowSpec& spec, Time t0) override;
  Result<void> apply(const EventSpec& event) override { return timeline_.apply(event); }

  bool knows(const std::string& node) const override { return deployment_.knows(node); }
  Duration least_delay(const std::string& from, const std::string& to) const override {
    return deployment_.least_delay(from, to);
  }
  Duration planned_rtt(const std::string& from, const std::string& to) override;
  bool counts_bytes() const override { return world_->can(Feature::count_bytes); }
  std::uint64_t bytes_sent(const std::string& name) override {
    return world_->bytes_sent(deployment_.knows(name) ? deployment_.host(name) : deployment_.relay_host(name));
  }
  std::map<std::string, std::uint64_t> relay_bytes() const override { return relay_traffic_.bytes(); }
  std::vector<std::string> violations() const override { return invariants_.violations(); }
  std::string trace_hash() const override { return world_->trace_hash(); }

 private:
  const Scenario& scenario_;
  std::unique_ptr<World> world_;
  Invariants invariants_;
  RelayTraffic relay_traffic_;
  Deployment deployment_;
  Timeline timeline_;
  std::optional<Neighbours> neighbours_;
  std::uint64_t seed_;
};

}  // namespace weft::sim

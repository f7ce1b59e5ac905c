// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/kernel/host_process.h"
#include "sim/kernel/lab.h"
#include "sim/scenario/stage.h"

namespace weft::kernel {

/// The shipped `weft` as coordinator, relays and agents in a laboratory, each a process with its own state and socket;
/// what is known of them comes from their local sockets.
class KernelDeployment {
 public:
  /// References outlive it.
  KernelDeployment(Lab& lab, const sim::Scenario& scenario);
  ~KernelDeployment();

  /// Starts the coordinator, makes a setup key with it, and starts relays and agents that enrol with it. Errors:
  /// internal with the end of the log of what did not start.
  Result<void> start();
  bool complete();
  std::string what_is_missing();

  bool runs(const std::string& node) const { return agents_.contains(node); }
  std::optional<sim::PeerView> peer(const std::string& node, const std::string& other);
  /// Unspecified before it was known once.
  IpAddress overlay_address(const std::string& node, IpFamily family = IpFamily::v4);

  /// Pulls the plug of the host and kills what runs on it (what it had written stays: the kernel does not die); and the
  /// other way round.
  Result<void> stop_relay(const std::string& name);
  Result<void> restart_relay(const std::string& name);
  Result<void> stop_coordinator();
  Result<void> restart_coordinator();
  Result<void> stop_agent(const std::string& node);
  Result<void> restart_agent(const std::string& node);
  /// Stops the process of an agent in its tracks, or lets it go on.
  void freeze(const std::string& node, bool frozen);
  /// A process that ended by itself.
  std::optional<Error> ended();

 private:
  struct Status;
  Result<void> start_coordinator();
  Result<void> start_relay(const std::string& name);
  Result<void> start_agent(const std::string& node);
  Result<HostProcess> daemon(const std::string& host, std::vector<std::string> arguments);
  const nlohmann::json& status(const std::string& node);
  bool complete(const std::string& node);
  std::string socket(const std::string& host) const { return lab_.folder() + "/" + host + ".sock"; }

  Lab& lab_;
  const sim::Scenario& scenario_;
  std::string token_;
  std::optional<HostProcess> coordinator_;
  std::map<std::string, HostProcess> relays_, agents_;
  std::map<std::string, Status> statuses_;
  std::map<std::pair<std::string, IpFamily>, IpAddress> overlay_addresses_;
  std::set<std::string> frozen_;
};

}  // namespace weft::kernel

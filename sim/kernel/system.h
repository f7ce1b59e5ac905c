// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/kernel/host_process.h"
#include "sim/kernel/lab.h"

namespace weft::sim {
struct Scenario;
}

namespace weft::kernel {

/// A VPN on the hosts of a laboratory: what `weft-lab compare` compares.
class System {
 public:
  virtual ~System() = default;
  /// Starts what it needs on the nodes, and on the first relay's host what it calls lighthouse, supernode or hub.
  /// Errors: usage if a program is missing; internal; io.
  virtual Result<void> start() = 0;
  /// Every node has its address in the overlay.
  virtual bool ready() = 0;
  virtual IpAddress overlay_address(const std::string& node) = 0;
  virtual std::optional<Error> ended() = 0;
};

/// The names that make_system() takes: weft, nebula, tinc, n2n, wireguard.
const std::vector<std::string>& system_names();
/// `name` is one of system_names(). References outlive the system.
std::unique_ptr<System> make_system(const std::string& name, Lab& lab, const sim::Scenario& scenario);

/// What the systems of Debian's packages share: overlay addresses by order of the nodes, processes, a folder of files.
class PackagedSystem : public System {
 public:
  PackagedSystem(Lab& lab, const sim::Scenario& scenario) : lab_(lab), scenario_(scenario) {}
  bool ready() override;
  IpAddress overlay_address(const std::string& node) override;
  std::optional<Error> ended() override;

 protected:
  /// The host of the system's meeting point, and its address.
  const std::string& meeting_point() const;
  std::string meeting_address() const { return lab_.addresses(meeting_point()).front().to_string(); }
  /// Nodes, and the meeting point as the last.
  std::vector<std::string> members() const;
  Result<void> write(const std::string& file, const std::string& text, bool executable = false) const;
  std::string path(const std::string& file) const { return lab_.folder() + "/" + file; }
  /// Runs a program to its end in the laboratory's folder, on a host. Errors: usage if it is missing; io.
  Result<std::string> run(const std::string& host, const std::vector<std::string>& arguments) const;
  Result<void> launch(const std::string& host, const std::vector<std::string>& arguments);

  Lab& lab_;
  const sim::Scenario& scenario_;
  std::map<std::string, HostProcess> processes_;
};

std::unique_ptr<System> make_weft(Lab& lab, const sim::Scenario& scenario);
std::unique_ptr<System> make_nebula(Lab& lab, const sim::Scenario& scenario);
std::unique_ptr<System> make_tinc(Lab& lab, const sim::Scenario& scenario);
std::unique_ptr<System> make_n2n(Lab& lab, const sim::Scenario& scenario);
std::unique_ptr<System> make_wireguard(Lab& lab, const sim::Scenario& scenario);

}  // namespace weft::kernel

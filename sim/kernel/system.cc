// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/system.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "mesh/base/assert.h"
#include "sim/kernel/deployment.h"
#include "sim/kernel/waiting.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

using Maker = std::unique_ptr<System> (*)(Lab&, const sim::Scenario&);
const std::map<std::string, Maker> kMakers = {{"weft", make_weft},
                                              {"nebula", make_nebula},
                                              {"tinc", make_tinc},
                                              {"n2n", make_n2n},
                                              {"wireguard", make_wireguard}};

/// Ours, with all it needs to be deployed.
class Weft final : public System {
 public:
  Weft(Lab& lab, const sim::Scenario& scenario) : deployment_(lab, scenario) {}
  Result<void> start() override { return deployment_.start(); }
  bool ready() override { return deployment_.complete(); }
  IpAddress overlay_address(const std::string& node) override { return deployment_.overlay_address(node); }
  std::optional<Error> ended() override { return deployment_.ended(); }

 private:
  KernelDeployment deployment_;
};

}  // namespace

const std::vector<std::string>& system_names() {
  static const std::vector<std::string> kNames = {"weft", "nebula", "tinc", "n2n", "wireguard"};
  return kNames;
}

std::unique_ptr<System> make_system(const std::string& name, Lab& lab, const sim::Scenario& scenario) {
  WEFT_ASSERT(kMakers.contains(name));
  return kMakers.at(name)(lab, scenario);
}

std::unique_ptr<System> make_weft(Lab& lab, const sim::Scenario& scenario) {
  return std::make_unique<Weft>(lab, scenario);
}

IpAddress PackagedSystem::overlay_address(const std::string& node) {
  const std::vector<std::string> all = members();
  const auto place = std::ranges::find(all, node) - all.begin();
  return IpAddress::v4(10, 99, 0, static_cast<std::uint8_t>(place + 1));
}

bool PackagedSystem::ready() {
  return std::ranges::all_of(scenario_.nodes, [this](const sim::NodeSpec& node) {
    const auto shown = run_in(lab_.network().space(node.name), {"ip", "-4", "-o", "address", "show", "up"});
    return shown && shown->find(" " + overlay_address(node.name).to_string() + "/") != std::string::npos;
  });
}

std::optional<Error> PackagedSystem::ended() {
  for (auto& [name, process] : processes_) {
    if (auto how = process.ended()) return ended_early(process, *how);
  }
  return std::nullopt;
}

const std::string& PackagedSystem::meeting_point() const { return scenario_.relays.front().name; }

std::vector<std::string> PackagedSystem::members() const {
  std::vector<std::string> all;
  for (const sim::NodeSpec& node : scenario_.nodes) all.push_back(node.name);
  all.push_back(meeting_point());
  return all;
}

Result<void> PackagedSystem::write(const std::string& file, const std::string& text, bool executable) const {
  std::ofstream out(path(file));
  out << text;
  out.close();
  if (!out) return fail(ErrorCode::io, path(file) + ": cannot be written");
  if (executable) ::chmod(path(file).c_str(), 0700);
  return {};
}

Result<std::string> PackagedSystem::run(const std::string& host, const std::vector<std::string>& arguments) const {
  auto done = run_in(lab_.network().space(host), arguments);
  if (done || done.error().message.find("could not be started") == std::string::npos) return done;
  return fail(ErrorCode::usage,
              arguments.front() + " is not installed: run scripts/setup, or leave its system out of --systems");
}

Result<void> PackagedSystem::launch(const std::string& host, const std::vector<std::string>& arguments) {
  auto process = HostProcess::start(lab_.network().space(host), {.name = arguments.front() + " on " + host,
                                                                 .arguments = arguments,
                                                                 .environment = {},
                                                                 .input = {},
                                                                 .log = path(host + ".log"),
                                                                 .working_directory = lab_.folder()});
  if (!process) return std::unexpected(process.error());
  processes_.insert_or_assign(host, std::move(*process));
  return {};
}

}  // namespace weft::kernel

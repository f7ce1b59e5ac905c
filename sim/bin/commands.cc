// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/commands.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sim/scenario/fabric_world.h"
#include "sim/world/stack_loader.h"
#include "sim/world/world.h"

namespace weft::lab {

int report(const Error& error) {
  std::fprintf(stderr, "weft-lab: %s\n", error.message.c_str());
  return exit_code(error.code);
}

Result<sim::WorldFactory> world_factory(const std::string& fidelity, const sim::Ns3Options& ns3) {
  if (fidelity == "stack") {
    auto factory = sim::load_stack_world(ns3);
    if (!factory) return std::unexpected(factory.error());
    return std::move(*factory);
  }
  if (ns3.writes_files()) {
    return fail(ErrorCode::usage, "FlowMonitor, NetAnim and ns-3's traces need ns-3 nodes; add --fidelity stack");
  }
  if (!ns3.attributes.empty()) {
    const auto module = sim::StackModule::open();
    if (!module) return std::unexpected(module.error());
    if (auto good = module->check(ns3); !good) return std::unexpected(good.error());
  }
  return [ns3](std::uint64_t seed, const sim::RegionPlan& regions) {
    return sim::make_fabric_world_with(ns3, seed, regions);
  };
}

Result<void> check_folder(const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || ::access(folder.c_str(), W_OK) != 0) {
    return fail(ErrorCode::io, folder + ": cannot be written; name a folder you may write to with --out");
  }
  return {};
}

Result<void> write_result(const std::string& folder, const std::string& name, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = folder + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (error || !file)
    return fail(ErrorCode::io, path + ": cannot be written; name a folder you may write to with --out");
  return {};
}

}  // namespace weft::lab

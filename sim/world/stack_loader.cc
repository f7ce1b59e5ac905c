// SPDX-License-Identifier: GPL-2.0-only
#include "sim/world/stack_loader.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "mesh/base/assert.h"
#include "sim/world/inner_nodes.h"

namespace weft::sim {
namespace {

constexpr const char* kModule = "libweft_stack.so";
using CheckOptions = bool(const Ns3Options*, std::string* problem);
using MakeWorld = World*(std::uint64_t, const RegionPlan*, const Ns3Options*);
using MakeInnerNodes = InnerNodes*(const Ns3Options*);
using MakeRealtimeExchange = RealtimeExchange*(std::uint64_t, const RegionPlan*, const Ns3Options*,
                                               const RealtimeObserver*);

/// Of the program or the shared library that this code is part of: Python's module, in weft/ of a build's python/ or of
/// /usr/lib/python3/dist-packages.
std::filesystem::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

void* open_module(std::string& tried) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const auto library = own_folder();
  for (const auto& place : {program / kModule, program / ".." / "lib" / kModule, program / ".." / "bin" / kModule,
                            library / "../../bin" / kModule, library / "../../.." / kModule}) {
    if (void* module = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL)) return module;
    if (std::filesystem::exists(place, error)) tried = dlerror();
  }
  return nullptr;
}

}  // namespace

template <typename Function>
Function* StackModule::find(const char* symbol) const {
  void* found = dlsym(handle_, symbol);
  WEFT_ASSERT(found != nullptr);  // looked for by open()
  return reinterpret_cast<Function*>(found);
}

Result<StackModule> StackModule::open() {
  std::string why = "it is not beside the program";
  StackModule module;
  module.handle_ = open_module(why);
  for (const char* symbol :
       {"weft_check_ns3_options", "weft_make_stack_world", "weft_make_inner_nodes", "weft_make_realtime_exchange"}) {
    if (module.handle_ != nullptr && dlsym(module.handle_, symbol) != nullptr) continue;
    if (module.handle_ != nullptr) why = "it is of another version than the program";
    return fail(ErrorCode::usage, std::string("full ns-3 nodes (the stack fidelity, ns3_ traffic) need ") + kModule +
                                      ": " + why + "; build the target weft_stack, or choose the fabric");
  }
  return module;
}

Result<void> StackModule::check(const Ns3Options& options) const {
  std::string problem;
  if (find<CheckOptions>("weft_check_ns3_options")(&options, &problem)) return {};
  return fail(ErrorCode::usage, problem);
}

std::unique_ptr<World> StackModule::make_world(std::uint64_t seed, const RegionPlan& regions,
                                               const Ns3Options& options) const {
  return std::unique_ptr<World>(find<MakeWorld>("weft_make_stack_world")(seed, &regions, &options));
}

std::unique_ptr<InnerNodes> StackModule::make_inner_nodes(const Ns3Options& options) const {
  return std::unique_ptr<InnerNodes>(find<MakeInnerNodes>("weft_make_inner_nodes")(&options));
}

std::unique_ptr<RealtimeExchange> StackModule::make_realtime_exchange(std::uint64_t seed, const RegionPlan& regions,
                                                                      const Ns3Options& options,
                                                                      const RealtimeObserver& observer) const {
  return std::unique_ptr<RealtimeExchange>(
      find<MakeRealtimeExchange>("weft_make_realtime_exchange")(seed, &regions, &options, &observer));
}

Result<std::function<std::unique_ptr<World>(std::uint64_t, const RegionPlan&)>> load_stack_world(
    const Ns3Options& options) {
  const auto module = StackModule::open();
  if (!module) return std::unexpected(module.error());
  if (auto good = module->check(options); !good) return std::unexpected(good.error());
  return [module = *module, options](std::uint64_t seed, const RegionPlan& regions) {
    return module.make_world(seed, regions, options);
  };
}

}  // namespace weft::sim

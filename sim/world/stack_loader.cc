// SPDX-License-Identifier: GPL-2.0-only
#include "sim/world/stack_loader.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace weft::sim {
namespace {

constexpr const char* kModule = "libweft_stack.so";
using Maker = World* (*)(std::uint64_t, const RegionPlan*);

void* open_module(std::string& tried) {
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& place : {folder / kModule, folder / ".." / "lib" / kModule, folder / ".." / "bin" / kModule}) {
    if (void* module = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL)) return module;
    if (std::filesystem::exists(place, error)) tried = dlerror();
  }
  return nullptr;
}

}  // namespace

Result<std::function<std::unique_ptr<World>(std::uint64_t, const RegionPlan&)>> load_stack_world() {
  std::string why = "it is not beside the program";
  void* module = open_module(why);
  void* symbol = module == nullptr ? nullptr : dlsym(module, "weft_make_stack_world");
  if (symbol == nullptr) {
    return fail(ErrorCode::usage, std::string("the stack fidelity needs ") + kModule + ": " + why +
                                      "; build the target weft_stack, or choose the fabric");
  }
  const auto make = reinterpret_cast<Maker>(symbol);
  return [make](std::uint64_t seed, const RegionPlan& regions) { return std::unique_ptr<World>(make(seed, &regions)); };
}

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/base/error.h"
#include "sim/world/ns3_options.h"
#include "sim/world/realtime_exchange.h"
#include "sim/world/world.h"

namespace weft::sim {

class InnerNodes;

/// The module with everything that needs full ns-3 nodes: libweft_stack.so, which lies beside the running program, in
/// ../lib or ../bin of its folder, or where a build or a package has it beside Python's module. Once open it stays.
class StackModule {
 public:
  /// Error: usage, if the module was not built or installed.
  static Result<StackModule> open();

  /// Error: usage, with a sentence about the attribute that ns-3 does not know or whose value it refuses.
  Result<void> check(const Ns3Options& options) const;
  std::unique_ptr<World> make_world(std::uint64_t seed, const RegionPlan& regions, const Ns3Options& options) const;
  std::unique_ptr<InnerNodes> make_inner_nodes(const Ns3Options& options) const;
  std::unique_ptr<RealtimeExchange> make_realtime_exchange(std::uint64_t seed, const RegionPlan& regions,
                                                           const Ns3Options& options,
                                                           const RealtimeObserver& observer) const;

 private:
  template <typename Function>
  Function* find(const char* symbol) const;

  void* handle_ = nullptr;
};

/// A factory of Worlds of full ns-3 nodes. Errors: as StackModule's.
Result<std::function<std::unique_ptr<World>(std::uint64_t seed, const RegionPlan& regions)>> load_stack_world(
    const Ns3Options& options = {});

}  // namespace weft::sim

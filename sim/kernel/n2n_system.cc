// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/system.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

/// n2n, version 1 as Debian has it: edges that register with a supernode, which forwards until they have found each
/// other.
class N2n final : public PackagedSystem {
 public:
  using PackagedSystem::PackagedSystem;

  Result<void> start() override {
    if (auto done = launch(meeting_point(), {"supernode", "-l", "7654"}); !done) return done;
    for (const sim::NodeSpec& node : scenario_.nodes) {
      auto done = launch(node.name, {"edge", "-d", "n2n0", "-a", overlay_address(node.name).to_string(), "-c", "lab",
                                     "-k", "laboratory", "-l", meeting_address() + ":7654"});
      if (!done) return done;
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<System> make_n2n(Lab& lab, const sim::Scenario& scenario) {
  return std::make_unique<N2n>(lab, scenario);
}

}  // namespace weft::kernel

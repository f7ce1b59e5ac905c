// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/kernel_flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "sim/bin/scenario_flags.h"
#include "sim/kernel/run.h"
#include "sim/kernel/user_namespace.h"

namespace weft::lab {

void KernelFlags::add_to(CLI::App& command) {
  command
      .add_option(
          "--world", world,
          "sim: simulated, in virtual time; kernel: network namespaces and real daemons; emulation: those, around an "
          "ns-3 simulation in real time")
      ->check(CLI::IsMember({"sim", "kernel", "emulation"}))
      ->capture_default_str();
  add_nat(command);
}

void KernelFlags::add_nat(CLI::App& command) {
  command
      .add_option(
          "--nat", nat,
          "In the kernel world: netfilter where it expresses a model, weft-lab gateway elsewhere; or always one")
      ->check(CLI::IsMember({"auto", "nftables", "gateway"}))
      ->capture_default_str();
}

void KernelFlags::add_keep(CLI::App& command) {
  command.add_flag("--keep", keep, "In the kernel world: leave everything running after the end, until Ctrl-C");
}

Result<kernel::LabOptions> KernelFlags::lab(const ScenarioInput& input) const {
  auto options = kernel::programs();
  if (!options) return options;
  kernel::enter_user_namespace();
  options->tls = input.tls;
  options->emulated = world == "emulation";
  options->nat = nat == "auto"       ? kernel::NatEngine::automatic
                 : nat == "nftables" ? kernel::NatEngine::nftables
                                     : kernel::NatEngine::gateway;
  return options;
}

Result<sim::ScenarioRunner> KernelFlags::runner(const ScenarioInput& input, const sim::RunEnd& end) const {
  auto options = lab(input);
  if (!options) return std::unexpected(options.error());
  return [options = *options, end, keep = keep](const sim::Scenario& scenario, const sim::NatChains& chains,
                                                std::uint64_t seed) mutable {
    options.seed = seed;
    return kernel::run_scenario(scenario, chains, options, end, keep);
  };
}

void tell_progress(std::size_t done, std::size_t all) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::fprintf(stderr, "%sweft-lab: %zu of %zu cells%s", terminal ? "\r" : "", done, all,
               terminal && done < all ? "" : "\n");
}

}  // namespace weft::lab

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/nat_models.h"

#include <algorithm>
#include <filesystem>

#include "sim/json/document.h"
#include "sim/nat/model.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {

Result<NatChains> load_nat_chains(const Scenario& scenario, const std::string& scenario_file) {
  NatChains chains;
  for (const auto& [name, models] : scenario.nat) {
    NatChain& chain = chains[name];
    for (std::size_t layer = 0; layer < models.size(); ++layer) {
      const std::string path = scenario.nat_models + "/" + models[layer] + ".json";
      if (!std::filesystem::exists(path)) {
        return bad_value(scenario_file, "/nat/" + name + "/" + std::to_string(layer),
                         "there is no model " + path + "; name a file of that folder without .json");
      }
      auto behavior = nat::load_model(path);
      if (!behavior) return std::unexpected(behavior.error());
      if (layer > 0 && behavior->translation == nat::Translation::nat64) {
        return bad_value(scenario_file, "/nat/" + name + "/" + std::to_string(layer),
                         "is a NAT64, whose inside is a site without IPv4; put it first, next to the host");
      }
      chain.push_back(std::move(*behavior));
    }
  }
  return chains;
}

bool translates(const NatChain& chain) {
  return std::ranges::any_of(chain, [](const nat::Behavior& b) { return b.translation == nat::Translation::nat; });
}

std::optional<Prefix> nat64_prefix(const NatChain& chain) {
  if (chain.empty() || chain.front().translation != nat::Translation::nat64) return std::nullopt;
  return chain.front().nat64_prefix;
}

}  // namespace weft::sim

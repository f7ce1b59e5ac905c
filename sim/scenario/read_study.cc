// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/scenario/reader.h"

namespace weft::sim {

void ScenarioReader::read_study() {
  if (!document_.contains("study")) return;
  const json& study = document_["study"];
  StudySpec spec{.hub = node(study["hub"], "/study/hub"),
                 .steady_from = from_s(study["steady_from_s"]),
                 .hub_dies = from_s(study["hub_dies_s"]),
                 .hub_back = from_s(study["hub_back_s"])};
  if (spec.hub_dies <= spec.steady_from) refuse("/study/hub_dies_s", "is not after steady_from_s");
  if (spec.hub_back <= spec.hub_dies) refuse("/study/hub_back_s", "is not after hub_dies_s");
  if (spec.hub_back >= scenario_.duration) refuse("/study/hub_back_s", "is not before the end of the run, duration_s");
  if (!scenario_.events.empty())
    refuse("/events", "would disturb the study, which has a timeline of its own; leave them out");
  const json& load = study["load"];
  spec.load = {.sites = load["sites"],
               .share_sites = load["share_sites"],
               .peer_shares = load["peer_shares"],
               .nat = nat(load["nat"], "/study/load/nat"),
               .access = access(load["access"], "/study/load/access"),
               .hub_access = access(load["hub_access"], "/study/load/hub_access"),
               .flow = from_s(load["flow_s"]),
               .seeds = load["seeds"]};
  std::ranges::sort(spec.load.sites);
  std::ranges::sort(spec.load.peer_shares);
  scenario_.study = std::move(spec);
}

}  // namespace weft::sim

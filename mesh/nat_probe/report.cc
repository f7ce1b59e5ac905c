// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/nat_probe/prober.h"

namespace weft::nat_probe {
namespace {

using Json = nlohmann::ordered_json;

Json lifetime_json(const std::optional<stun::LifetimeMeasured>& measured) {
  if (!measured || !measured->supported) return nullptr;
  return {{"survived", to_seconds(measured->survived)},
          {"died", measured->died ? Json(to_seconds(*measured->died)) : Json(nullptr)}};
}

Json ports_json(const stun::AllocationFacts& facts) {
  Json ports{{"allocation", to_string(facts.allocation)}};
  if (facts.allocation == stun::Allocation::sequential) ports["delta"] = facts.delta;
  ports["keep_parity"] = facts.parity_kept;
  ports["block"] = facts.block ? Json{{"low", facts.block->low}, {"size", facts.block->size}} : Json(nullptr);
  return ports;
}

std::string lifetime_text(const std::optional<stun::LifetimeMeasured>& measured) {
  if (!measured) return "not measured";
  if (!measured->supported) return "unknown: the server does not know RESPONSE-DELAY";
  if (!measured->died) return fmt::format("over {:.0f} s", to_seconds(measured->survived));
  return fmt::format("{:.0f} to {:.0f} s", to_seconds(measured->survived), to_seconds(*measured->died));
}

}  // namespace

std::string to_json(const ProbeResult& result) {
  const Json json{
      {"version", 1},
      {"udp", result.udp_blocked ? "blocked" : "allowed"},
      {"translated", result.translated},
      {"mapping", to_string(result.mapping)},
      {"filtering", to_string(result.filtering)},
      {"hairpinning", to_string(result.hairpinning)},
      {"ports", ports_json(result.allocation)},
      {"pooling", to_string(result.allocation.pooling)},
      {"lifetimes_s",
       {{"udp_unreplied", lifetime_json(result.unreplied)}, {"udp_replied", lifetime_json(result.replied)}}},
      {"refresh", to_string(result.refresh)}};
  return json.dump(1) + "\n";
}

std::string to_text(const ProbeResult& result) {
  if (result.udp_blocked) return "udp            blocked: no server answered\n";
  std::string text = fmt::format(
      "translated     {}\nmapping        {}\nfiltering      {}\nhairpinning    {}\npooling        {}\nallocation     "
      "{}",
      result.translated ? "yes" : "no", to_string(result.mapping), to_string(result.filtering),
      to_string(result.hairpinning), to_string(result.allocation.pooling), to_string(result.allocation.allocation));
  if (result.allocation.allocation == stun::Allocation::sequential)
    text += fmt::format(", steps of {}", result.allocation.delta);
  if (result.allocation.block) {
    text += fmt::format(", in the block {} to {}", result.allocation.block->low,
                        result.allocation.block->low + result.allocation.block->size - 1);
  }
  return text + fmt::format("\nudp_unreplied  {}\nudp_replied    {}\nrefresh        {}\n",
                            lifetime_text(result.unreplied), lifetime_text(result.replied), to_string(result.refresh));
}

}  // namespace weft::nat_probe

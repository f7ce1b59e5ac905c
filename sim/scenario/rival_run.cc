// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/rival_run.h"

#include <algorithm>

#include "sim/scenario/rival_pairs.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/sim_stage.h"

namespace weft::sim {
namespace {

bool settled(const RivalPairs& rivals, std::size_t pairs) {
  for (std::size_t i = 0; i < pairs; ++i) {
    if (!rivals.settled(i)) return false;
  }
  return true;
}

}  // namespace

Result<RunResult> run_rivals(SimStage& stage, const Scenario& scenario, const RunOptions& options,
                             strategies::MakeRival make) {
  if (auto up = bring_up(stage); !up) return std::unexpected(up.error());
  RivalPairs rivals(stage.simulation(), stage.deployment(), scenario, make, options.seed);
  rivals.gather();
  stage.run_until([] { return false; }, stage.now() + kFactsPause);
  const Time t0 = stage.now(), end = t0 + scenario.duration;
  RunResult result{.seed = options.seed, .strategy = options.strategy};
  rivals.start(t0);
  for (const EventSpec& event : scenario.events) {
    stage.at(t0 + event.at, [&] {
      if (auto done = stage.apply(event); !done)
        result.failures.push_back("event at " + event.pointer + ": " + done.error().message);
    });
  }
  const std::size_t pairs = scenario.pings.size();
  stage.run_until([&] { return options.end.when_settled && settled(rivals, pairs); }, end);
  if (options.end.when_settled) stage.run_until([] { return false; }, std::min(end, stage.now() + options.end.after));
  for (std::size_t i = 0; i < pairs; ++i) name_nats(scenario, result.pairs.emplace_back(rivals.result(i)));
  result.virtual_time = stage.now() - Time{};
  result.trace_hash = stage.trace_hash();
  return result;
}

}  // namespace weft::sim

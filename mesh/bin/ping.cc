// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kDefaultCount = 5;
constexpr int kIntervalMs = 500;

std::string describe(const json& answer) {
  const std::string via = answer.value("path", "") == "relay" ? "relay " + answer.value("relay", "?")
                                                              : "direct " + answer.value("endpoint", "?");
  return fmt::format("{} via {} in {:.2f} ms (path probe)", answer.value("peer", ""), via, answer.value("rtt_ms", 0.0));
}

/// What the probes so far found, and whether another one is due.
struct Progress {
  int sent = 0;
  int answered = 0;
  bool direct = false;

  bool done(const PingFlags& flags) const {
    if (flags.until_direct) return direct;
    if (flags.count) return sent >= *flags.count;
    return direct || sent >= kDefaultCount;
  }

  int exit_code_for(const PingFlags& flags) const {
    if (answered == 0) return exit_code(ErrorCode::timeout);
    return flags.until_direct && !direct ? exit_code(ErrorCode::relayed_only) : 0;
  }
};

}  // namespace

int run_ping(const PingFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto limit = parse_duration_flag("--timeout", flags.timeout);
  if (!limit) return report(limit.error());
  const auto end = SteadyClock::now() + *limit;
  Progress progress;
  while (!progress.done(flags)) {
    const Duration left = end - SteadyClock::now();
    if (left <= Duration(0)) break;
    if (progress.sent++ > 0) ::poll(nullptr, 0, kIntervalMs);
    const auto answer = call_daemon(Service::agent, *settings, "ping", {{"peer", flags.peer}}, left);
    if (!answer && answer.error().code != ErrorCode::timeout) return report(answer.error());
    if (!answer) {
      print_line("no answer from " + flags.peer);
      continue;
    }
    ++progress.answered;
    progress.direct = answer->value("path", "") == "direct";
    print_line(describe(*answer));
  }
  return progress.exit_code_for(flags);
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/icmp_echo.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kDefaultCount = 5;
constexpr int kIntervalMs = 500;

constexpr const char* kPathLayer = "path_probe";
constexpr const char* kIcmpLayer = "icmp";
/// An echo request may be lost; the next one is not far.
constexpr Duration kEchoLimit = 2s;

std::string describe(const json& answer) {
  const std::string via = answer.contains("via")                ? "the peer " + answer.value("via", "?")
                          : answer.value("path", "") == "relay" ? "relay " + answer.value("relay", "?")
                                                                : "direct " + answer.value("endpoint", "?");
  return fmt::format("{} via {} in {:.2f} ms ({})", answer.value("peer", ""), via, answer.value("rtt_ms", 0.0),
                     answer.value("layer", "") == kIcmpLayer ? "ICMP" : "path probe");
}

constexpr const char* kSchema = "weft.ping/1";

const char* layer_of(const PingFlags& flags) { return flags.layer == "icmp" ? kIcmpLayer : kPathLayer; }

void print_answer(const PingFlags& flags, const std::optional<json>& answer) {
  if (!flags.json) return print_line(answer ? describe(*answer) : "no answer from " + flags.peer);
  json line{{"schema", kSchema}, {"peer", flags.peer}, {"layer", layer_of(flags)}, {"answered", answer.has_value()}};
  if (answer) line.update(*answer);
  print_line(line.dump());
}

/// Asks for an authenticated answer over the path that data takes.
Result<json> probe_path(const Settings& settings, const PingFlags& flags, Duration limit) {
  auto answer = call_daemon(Service::agent, settings, "ping", {{"peer", flags.peer}}, limit);
  if (answer) (*answer)["layer"] = kPathLayer;
  return answer;
}

/// An echo request through the tunnel, as an application's packets go.
Result<json> probe_icmp(const Settings& settings, const PingFlags& flags, Duration limit) {
  const auto status = call_daemon(Service::agent, settings, "status", json::object(), limit);
  if (!status) return std::unexpected(status.error());
  for (const auto& peer : status->value("peers", json::array())) {
    const auto addresses = peer.value("addresses", std::vector<std::string>{});
    const bool by_address = std::ranges::find(addresses, flags.peer) != addresses.end();
    if ((peer.value("name", "") != flags.peer && !by_address) || addresses.empty()) continue;
    const auto to = IpAddress::parse(by_address ? flags.peer : addresses[0]);
    const auto took = icmp_echo(to.value_or(IpAddress()), std::min(limit, kEchoLimit));
    if (!took) return std::unexpected(took.error());
    json answer{{"peer", flags.peer}, {"layer", kIcmpLayer}, {"rtt_ms", to_ms(*took)}};
    for (const char* key : {"path", "endpoint", "relay", "via"}) {
      if (peer.contains(key) && peer[key].is_string()) answer[key] = peer[key];
    }
    if (answer.value("path", "") != "relay") answer.erase("relay");
    return answer;
  }
  return fail(ErrorCode::not_found, "no peer has the name or address " + flags.peer);
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
    const auto probe = flags.layer == "icmp" ? probe_icmp : probe_path;
    const auto answer = probe(*settings, flags, left);
    if (!answer && answer.error().code != ErrorCode::timeout) return report(answer.error());
    if (!answer) {
      print_answer(flags, std::nullopt);
      continue;
    }
    ++progress.answered;
    progress.direct = answer->value("path", "") == "direct";
    print_answer(flags, *answer);
  }
  return progress.exit_code_for(flags);
}

}  // namespace weft::bin

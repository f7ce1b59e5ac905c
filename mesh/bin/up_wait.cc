// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/up_wait.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_client.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"

namespace weft::bin {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;
using Kind = WaitCondition::Kind;

constexpr int kIntervalMs = 200;
constexpr Duration kPingLimit = 6s;  // the agent gives up after 5 s
constexpr int kConnectMs = 1000;

std::string describe(const WaitCondition& condition) {
  switch (condition.kind) {
    case Kind::coordinator:
      return "coordinator";
    case Kind::peer:
      return "peer:" + condition.peer;
    case Kind::direct:
      return "peer:" + condition.peer + ",direct";
    case Kind::tcp:
      return "peer:" + condition.peer + ",tcp:" + std::to_string(condition.port);
  }
  return "";
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

/// Empty if a connection was made, else why not.
std::string connect_problem(const Endpoint& to) {
  const auto address = host::to_socket_address(to);
  const host::FileDescriptor fd(
      ::socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.get(), address.length) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&wait, 1, kConnectMs) <= 0) return "no answer to a connection";
  int error_number = 0;
  socklen_t length = sizeof error_number;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error_number, &length);
  return error_number == 0 ? "" : std::strerror(error_number);
}

/// Looks whether conditions hold, by what the daemon says at this moment.
class Checker {
 public:
  explicit Checker(const Settings& settings) : settings_(settings) {}

  /// Empty if it holds, else why not. Errors: what the daemon refuses with.
  Result<std::string> problem(const WaitCondition& condition) {
    if (condition.kind == Kind::coordinator) return coordinator();
    if (condition.kind == Kind::tcp) return tcp(condition);
    return path(condition);
  }

 private:
  Result<json> status() { return call_daemon(Service::agent, settings_, "status", json::object(), 10s); }

  Result<std::string> coordinator() {
    const auto answer = status();
    if (!answer) return std::unexpected(answer.error());
    const json state = answer->value("coordinator", json::object());
    if (state.value("connected", false)) return "";
    const json error = state.value("error", json());
    return error.is_string() ? error.get<std::string>() : "it has not answered yet";
  }

  Result<json> peer(const std::string& name) {
    const auto answer = status();
    if (!answer) return std::unexpected(answer.error());
    for (const auto& each : answer->value("peers", json::array())) {
      if (each.value("name", "") == name) return each;
    }
    return json();
  }

  Result<std::string> path(const WaitCondition& condition) {
    const auto answer = call_daemon(Service::agent, settings_, "ping", {{"peer", condition.peer}}, kPingLimit);
    if (answer && (condition.kind == Kind::peer || answer->value("path", "") == "direct")) return "";
    const auto code = answer ? ErrorCode::relayed_only : answer.error().code;
    if (code == ErrorCode::not_found) return "the network has no such peer";
    if (code != ErrorCode::timeout && code != ErrorCode::relayed_only) return std::unexpected(answer.error());
    const auto found = peer(condition.peer);
    if (!found) return std::unexpected(found.error());
    const json reason = found->is_object() ? found->value("reason", json()) : json();
    const std::string because = reason.is_string() ? " (" + reason.get<std::string>() + ")" : "";
    if (answer) return "it is reached through a relay" + because;
    const bool offline = found->is_object() && !found->value("online", true);
    return (offline ? "it is offline" : "it does not answer") + because;
  }

  Result<std::string> tcp(const WaitCondition& condition) {
    const auto found = peer(condition.peer);
    if (!found) return std::unexpected(found.error());
    if (!found->is_object()) return "the network has no such peer";
    std::string problem = "the peer has no address";
    for (const auto& text : found->value("addresses", json::array())) {
      const auto address = IpAddress::parse(text.get<std::string>());
      if (address) problem = connect_problem({*address, condition.port});
      if (problem.empty()) break;
    }
    return problem;
  }

  const Settings& settings_;
};

struct Open {
  WaitCondition condition;
  std::string problem;
};

Error failure(const std::vector<Open>& open, std::size_t count, Duration limit) {
  const bool only_direct =
      std::ranges::all_of(open, [](const auto& each) { return each.condition.kind == Kind::direct; });
  const auto code = only_direct            ? ErrorCode::relayed_only
                    : open.size() == count ? ErrorCode::timeout
                                           : ErrorCode::partial;
  std::string message = "up, but after " +
                        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count()) +
                        " s these do not hold: ";
  for (std::size_t i = 0; i < open.size(); ++i)
    message += (i ? "; " : "") + describe(open[i].condition) + " - " + open[i].problem;
  return {code, message};
}

}  // namespace

Result<std::vector<WaitCondition>> parse_wait(const std::optional<std::string>& text) {
  if (!text) return {};
  const auto bad = [](const std::string& part) {
    return fail(ErrorCode::usage, "--wait \"" + part +
                                      "\" is not a condition: write coordinator, peer:NAME, and behind a "
                                      "peer direct or tcp:PORT, with commas between");
  };
  std::vector<WaitCondition> conditions;
  std::string peer;
  for (const auto& part : split(*text)) {
    if (part == "coordinator") {
      conditions.push_back({Kind::coordinator, "", 0});
    } else if (part.starts_with("peer:") && part.size() > 5) {
      conditions.push_back({Kind::peer, peer = part.substr(5), 0});
    } else if (part == "direct" && !peer.empty()) {
      conditions.push_back({Kind::direct, peer, 0});
    } else if (part.starts_with("tcp:") && !peer.empty()) {
      std::uint16_t port = 0;
      const auto [end, error] = std::from_chars(part.data() + 4, part.data() + part.size(), port);
      if (error != std::errc{} || end != part.data() + part.size() || port == 0) return bad(part);
      conditions.push_back({Kind::tcp, peer, port});
    } else {
      return bad(part);
    }
  }
  return conditions;
}

Result<void> wait_for(const std::vector<WaitCondition>& conditions, const Settings& settings, Duration limit) {
  const auto end = SteadyClock::now() + limit;
  std::vector<Open> open;
  for (const auto& condition : conditions) open.push_back({condition, ""});
  Checker checker(settings);
  while (true) {
    for (auto& each : open) {
      auto problem = checker.problem(each.condition);
      if (!problem) return std::unexpected(problem.error());
      each.problem = std::move(*problem);
    }
    std::erase_if(open, [](const auto& each) { return each.problem.empty(); });
    if (open.empty()) return {};
    if (SteadyClock::now() >= end) return std::unexpected(failure(open, conditions.size(), limit));
    ::poll(nullptr, 0, kIntervalMs);
  }
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/base/trace.h"
#include "mesh/http/proxy.h"

namespace weft::bin {

/// Which daemon a command runs or talks to; names the default paths.
enum class Service { agent, coordinator, relay };

/// What every command takes. A flag beats the environment (WEFT_SOCKET, WEFT_STATE, WEFT_LOG, WEFT_GROUP,
/// WEFT_METRICS), which beats the file (WEFT_CONFIG, or /etc/weft/weft.json if it exists: an object with `socket`,
/// `state`, `log`, `group`, `metrics`, `https_proxy` and `no_proxy`), which beats the default.
struct CommonFlags {
  std::optional<std::string> socket;
  std::optional<std::string> state;
  std::optional<std::string> log;      // debug, info, warning, error
  std::optional<std::string> group;    // whose members may change things through the socket
  std::optional<std::string> metrics;  // ADDR:PORT or PORT
  bool log_json = false;
};

struct Settings {
  std::string socket;  // /run/weft/agent.sock, /run/weft-coordinator/coordinator.sock
  std::string state;   // /var/lib/weft, /var/lib/weft-coordinator, /var/lib/weft-relay
  TraceLevel log_level = TraceLevel::info;
  bool log_json = false;
  std::optional<std::uint32_t> group;  // its number
  std::optional<Endpoint> metrics;
};

/// Errors: usage, with the file and key or the variable that is wrong.
Result<Settings> resolve_settings(Service service, const CommonFlags& flags);

/// The HTTP proxy of a daemon. The variables are HTTPS_PROXY and NO_PROXY, in capital or small letters.
struct ProxyFlags {
  std::optional<std::string> https_proxy;  // empty: none, whatever the environment says
  std::optional<std::string> no_proxy;
};
/// nullopt: none. Errors: usage, and as resolve_settings().
Result<std::optional<http::ProxySettings>> resolve_proxy(const ProxyFlags& flags);

/// "203.0.113.7:443" or "[2001:db8::1]:443" given to `flag`. Errors: usage.
Result<Endpoint> parse_endpoint_flag(std::string_view flag, const std::string& text);
/// A number with one of the units s, m, h, d, given to `flag`: "90s", "24h". Errors: usage.
Result<Duration> parse_duration_flag(std::string_view flag, const std::string& text);
/// The text of a setup key: `given`, or WEFT_KEY, so that it need not stand in the list of processes.
std::optional<std::string> setup_key(const std::optional<std::string>& given);

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/settings.h"

#include <grp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace weft::bin {
namespace {

constexpr const char* kDefaultFile = "/etc/weft/weft.json";
constexpr std::array<std::string_view, 7> kKeys{"socket",  "state",       "log",     "group",
                                                "metrics", "https_proxy", "no_proxy"};
using Values = std::map<std::string, std::string>;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::unexpected<Error> bad_file(const std::string& path, const std::string& what) {
  return fail(ErrorCode::usage, path + ": " + what);
}

Result<Values> parse_file(const std::string& path, const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return bad_file(path, "is not a JSON object");
  Values values;
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(kKeys, key) == kKeys.end()) {
      return bad_file(
          path, "/" + key + ": unknown key; there are socket, state, log, group, metrics, https_proxy and no_proxy");
    }
    if (!value.is_string()) return bad_file(path, "/" + key + ": must be a string");
    values[key] = value.get<std::string>();
  }
  return values;
}

Result<Values> read_file() {
  const auto named = environment("WEFT_CONFIG");
  const std::string path = named.value_or(kDefaultFile);
  std::ifstream file(path);
  if (!file && !named) return Values{};
  if (!file) return bad_file(path, "cannot be read; WEFT_CONFIG names it");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_file(path, text.str());
}

/// As other programs do, the variable may be in small letters too.
std::string choose_proxy(const std::optional<std::string>& flag, std::string variable, const Values& file,
                         const std::string& key) {
  if (flag) return *flag;
  if (const auto value = environment(variable.c_str())) return *value;
  for (char& c : variable) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (const auto value = environment(variable.c_str())) return *value;
  const auto found = file.find(key);
  return found == file.end() ? std::string() : found->second;
}

std::string choose(const std::optional<std::string>& flag, const char* variable, const Values& file,
                   const std::string& key, const std::string& otherwise) {
  if (flag) return *flag;
  if (const auto value = environment(variable)) return *value;
  const auto found = file.find(key);
  return found == file.end() ? otherwise : found->second;
}

std::string default_socket(Service service) {
  return service == Service::coordinator ? "/run/weft-coordinator/coordinator.sock" : "/run/weft/agent.sock";
}

std::string default_state(Service service) {
  switch (service) {
    case Service::agent:
      return "/var/lib/weft";
    case Service::coordinator:
      return "/var/lib/weft-coordinator";
    case Service::relay:
      return "/var/lib/weft-relay";
  }
  return "/var/lib/weft";
}

Result<std::optional<std::uint32_t>> find_group(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const ::group* found = ::getgrnam(name.c_str());
  if (found != nullptr) return found->gr_gid;
  return fail(ErrorCode::usage, "this machine has no group " + name +
                                    ", which --group, WEFT_GROUP or the file names: make it with groupadd");
}

std::optional<TraceLevel> parse_level(std::string_view text) {
  for (const auto level : {TraceLevel::debug, TraceLevel::info, TraceLevel::warning, TraceLevel::error}) {
    if (text == to_string(level)) return level;
  }
  return std::nullopt;
}

/// A port alone is one of this machine alone.
Result<std::optional<Endpoint>> parse_metrics(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const bool port_alone = text.find_first_not_of("0123456789") == std::string::npos;
  if (const auto endpoint = Endpoint::parse(port_alone ? "127.0.0.1:" + text : text)) return *endpoint;
  return fail(ErrorCode::usage,
              "--metrics \"" + text + "\" is neither a port nor an address and a port: write 9100 or 192.0.2.1:9100");
}

}  // namespace

Result<Settings> resolve_settings(Service service, const CommonFlags& flags) {
  const auto file = read_file();
  if (!file) return std::unexpected(file.error());
  const auto level = parse_level(choose(flags.log, "WEFT_LOG", *file, "log", "info"));
  if (!level) {
    return fail(ErrorCode::usage, "the log level (--log, WEFT_LOG or the file) must be debug, info, warning or error");
  }
  Settings settings;
  settings.socket = choose(flags.socket, "WEFT_SOCKET", *file, "socket", default_socket(service));
  settings.state = choose(flags.state, "WEFT_STATE", *file, "state", default_state(service));
  settings.log_level = *level;
  settings.log_json = flags.log_json;
  const auto group = find_group(choose(flags.group, "WEFT_GROUP", *file, "group", ""));
  if (!group) return std::unexpected(group.error());
  settings.group = *group;
  const auto metrics = parse_metrics(choose(flags.metrics, "WEFT_METRICS", *file, "metrics", ""));
  if (!metrics) return std::unexpected(metrics.error());
  settings.metrics = *metrics;
  return settings;
}

Result<std::optional<http::ProxySettings>> resolve_proxy(const ProxyFlags& flags) {
  const auto file = read_file();
  if (!file) return std::unexpected(file.error());
  const std::string url = choose_proxy(flags.https_proxy, "HTTPS_PROXY", *file, "https_proxy");
  if (url.empty()) return std::nullopt;
  auto proxy = http::parse_proxy(url);
  if (!proxy) return fail(proxy.error().code, proxy.error().message + " (--https-proxy, HTTPS_PROXY or the file)");
  http::ProxySettings settings{.proxy = *std::move(proxy), .exceptions = {}};
  const std::string exceptions = choose_proxy(flags.no_proxy, "NO_PROXY", *file, "no_proxy");
  if (auto added = http::add_exceptions(settings, exceptions); !added) return std::unexpected(added.error());
  return settings;
}

Result<Endpoint> parse_endpoint_flag(std::string_view flag, const std::string& text) {
  if (const auto endpoint = Endpoint::parse(text)) return *endpoint;
  return fail(ErrorCode::usage, std::string(flag) + " \"" + text +
                                    "\" is not an address and a port: write 203.0.113.7:443 or [2001:db8::1]:443");
}

Result<Duration> parse_duration_flag(std::string_view flag, const std::string& text) {
  static const std::map<std::string, std::int64_t> kUnits{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = kUnits.find(std::string(end, text.data() + text.size()));
  if (error != std::errc{} || unit == kUnits.end() || number <= 0 || number > 1'000'000) {
    return fail(ErrorCode::usage, std::string(flag) + " \"" + text + "\" is not a time: write 90s, 10m, 24h or 7d");
  }
  return std::chrono::seconds(number * unit->second);
}

std::optional<std::string> setup_key(const std::optional<std::string>& given) {
  return given ? given : environment("WEFT_KEY");
}

}  // namespace weft::bin

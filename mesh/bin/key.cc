// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr Duration kAnswerLimit = 10s;

Result<json> ask(const KeyFlags& flags, const std::string& method, const json& params) {
  const auto settings = resolve_settings(Service::coordinator, flags.common);
  if (!settings) return std::unexpected(settings.error());
  return call_daemon(Service::coordinator, *settings, method, params, kAnswerLimit);
}

std::string kind_of(const json& key) {
  std::string kind = key.value("reusable", false) ? "reusable" : "one-off";
  if (key.value("ephemeral", false)) kind += ",ephemeral";
  if (key.value("revoked", false)) kind += ",revoked";
  return kind;
}

}  // namespace

int run_key_create(const KeyFlags& flags) {
  json params{{"reusable", flags.reusable}, {"ephemeral", flags.ephemeral}, {"note", flags.note}};
  if (flags.expires) {
    const auto lifetime = parse_duration_flag("--expires", *flags.expires);
    if (!lifetime) return report(lifetime.error());
    params["lifetime_s"] = std::chrono::duration_cast<std::chrono::seconds>(*lifetime).count();
  }
  const auto answer = ask(flags, "key.create", params);
  if (!answer) return report(answer.error());
  const std::string token = answer->value("token", "");
  print_line(flags.json ? json{{"schema", "weft.key/1"}, {"token", token}}.dump() : token);
  return 0;
}

int run_key_list(const KeyFlags& flags) {
  const auto keys = ask(flags, "key.list", json::object());
  if (!keys) return report(keys.error());
  if (flags.json) {
    print_line(json{{"schema", "weft.keys/1"}, {"keys", *keys}}.dump(2));
    return 0;
  }
  print_line(fmt::format("{:<6} {:<20} {:<6} {:<22} {}", "ID", "KIND", "USES", "EXPIRES", "NOTE"));
  for (const auto& key : *keys) {
    const json expires = key.value("expires", json());
    print_line(fmt::format("{:<6} {:<20} {:<6} {:<22} {}", key.value("id", 0), kind_of(key), key.value("uses", 0),
                           expires.is_string() ? expires.get<std::string>() : "never", key.value("note", "")));
  }
  return 0;
}

int run_key_revoke(const KeyFlags& flags) {
  const auto answer = ask(flags, "key.revoke", {{"id", flags.id}});
  return answer ? 0 : report(answer.error());
}

}  // namespace weft::bin

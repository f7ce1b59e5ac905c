// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr const char* kSchema = "weft.get/1";
constexpr Duration kAnswerLimit = 10s;

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void print_settings(const json& settings, const std::vector<std::string>& keys) {
  if (keys.size() == 1) return print_line(text_of(settings.at(keys[0])));
  for (const auto& [key, value] : settings.items()) print_line(key + "=" + text_of(value));
}

}  // namespace

int run_set(const SetFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  json values = json::object();
  for (const auto& each : flags.assignments) {
    const auto equals = each.find('=');
    if (equals == std::string::npos || equals == 0) {
      return report({ErrorCode::usage, "\"" + each + "\" is no setting: write KEY=VALUE, as in name=db"});
    }
    values[each.substr(0, equals)] = each.substr(equals + 1);
  }
  const auto answer = call_daemon(Service::agent, *settings, "set", values, kAnswerLimit);
  return answer ? 0 : report(answer.error());
}

int run_get(const GetFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto answer = call_daemon(Service::agent, *settings, "get", json::object(), kAnswerLimit);
  if (!answer) return report(answer.error());
  json chosen = flags.keys.empty() ? *answer : json::object();
  for (const auto& key : flags.keys) {
    if (!answer->contains(key))
      return report({ErrorCode::usage, "there is no setting " + key + ": `weft get` lists them"});
    chosen[key] = answer->at(key);
  }
  if (flags.json) {
    print_line(json{{"schema", kSchema}, {"settings", chosen}}.dump(2));
  } else {
    print_settings(chosen, flags.keys);
  }
  return 0;
}

}  // namespace weft::bin

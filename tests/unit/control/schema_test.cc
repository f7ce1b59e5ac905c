// SPDX-License-Identifier: BSD-3-Clause
// docs/schema/control-message.schema.json against what the program writes and refuses.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/control/examples.h"

namespace weft::control {
namespace {

using nlohmann::json;

const json& schema() {
  static const json document = [] {
    std::ifstream file(WEFT_SOURCE_DIR "/docs/schema/control-message.schema.json");
    return json::parse(file);
  }();
  return document;
}

const json& resolve(const json& rule) {
  if (!rule.contains("$ref")) return rule;
  return schema().at(json::json_pointer(rule["$ref"].get<std::string>().substr(1)));
}

bool has_type(const json& rule, const json& value) {
  const std::string type = rule["type"];
  if (type == "string") return rule.contains("contentEncoding") ? value.is_binary() : value.is_string();
  if (type == "integer") return value.is_number_unsigned();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

/// Empty if `value` follows `rule` and uses only described properties; otherwise the path of what does not.
std::string violation(const json& reference, const json& value, const std::string& path, std::set<std::string>& used) {
  const json& rule = resolve(reference);
  if (rule.contains("const")) return value == rule["const"] ? "" : path;
  if (rule.contains("enum"))
    return std::find(rule["enum"].begin(), rule["enum"].end(), value) != rule["enum"].end() ? "" : path;
  if (!has_type(rule, value)) return path;
  if (value.is_array()) {
    if (value.size() > rule.value("maxItems", value.size())) return path;
    for (const json& item : value) {
      if (const auto bad = violation(rule["items"], item, path + "/*", used); !bad.empty()) return bad;
    }
  }
  if (!value.is_object()) return "";
  for (const json& name : rule.value("required", json::array())) {
    if (!value.contains(name)) return path + "/" + name.get<std::string>() + " is missing";
  }
  for (const auto& [name, member] : value.items()) {
    if (!rule["properties"].contains(name)) return path + "/" + name + " is not described";
    used.insert(path + "/" + name);
    if (const auto bad = violation(rule["properties"][name], member, path + "/" + name, used); !bad.empty()) return bad;
  }
  return "";
}

void list_properties(const json& reference, const std::string& path, std::set<std::string>& out) {
  const json& rule = resolve(reference);
  if (rule.contains("items")) list_properties(rule["items"], path + "/*", out);
  if (!rule.contains("properties")) return;
  for (const auto& [name, member] : rule["properties"].items()) {
    out.insert(path + "/" + name);
    list_properties(member, path + "/" + name, out);
  }
}

TEST(ControlMessageSchema, DescribesEveryMessageAndNothingElse) {
  std::set<std::string> used, described;
  for (const Message& message : test_messages()) {
    EXPECT_EQ(violation(schema(), json::from_cbor(encode(message)), "", used), "");
  }
  list_properties(schema(), "", described);
  EXPECT_EQ(used, described);
}

/// Removes the member at `path` (its first occurrence in lists) from `value`.
bool erase_at(json& value, const std::string& path) {
  const auto slash = path.find('/', 1);
  const std::string name = path.substr(1, slash == std::string::npos ? std::string::npos : slash - 1);
  if (slash == std::string::npos) return value.is_object() && value.erase(name) > 0;
  if (name == "*") return !value.empty() && erase_at(value[0], path.substr(slash));
  return value.contains(name) && erase_at(value[name], path.substr(slash));
}

const json& rule_at(const std::string& path) {
  const json* rule = &schema();
  for (std::size_t at = 0; at != std::string::npos && at < path.size();) {
    const auto next = path.find('/', at + 1);
    const std::string name = path.substr(at + 1, next == std::string::npos ? std::string::npos : next - at - 1);
    rule = &resolve(name == "*" ? (*rule)["items"] : (*rule)["properties"][name]);
    at = next;
  }
  return *rule;
}

TEST(ControlMessageSchema, RequiresExactlyWhatTheParserRequires) {
  std::set<std::string> described;
  list_properties(schema(), "", described);
  for (const Message& message : test_messages()) {
    for (const std::string& path : described) {
      json value = json::from_cbor(encode(message));
      if (!erase_at(value, path)) continue;
      const auto slash = path.rfind('/');
      const json required = rule_at(path.substr(0, slash)).value("required", json::array());
      const bool is_required = std::find(required.begin(), required.end(), path.substr(slash + 1)) != required.end();
      EXPECT_EQ(!parse_message(json::to_cbor(value)), is_required) << path;
    }
  }
}

}  // namespace
}  // namespace weft::control

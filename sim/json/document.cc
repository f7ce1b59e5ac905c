// SPDX-License-Identifier: GPL-2.0-only
#include "sim/json/document.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "mesh/base/assert.h"

namespace weft::sim {
namespace {

using nlohmann::json;

/// "line 3, column 7" of byte `offset`, counted from 1.
std::string position(std::string_view text, std::size_t offset) {
  const auto head = text.substr(0, std::min(offset == 0 ? 0 : offset - 1, text.size()));
  const auto line = 1 + std::ranges::count(head, '\n');
  const auto last = head.rfind('\n');
  const auto column = 1 + head.size() - (last == std::string_view::npos ? 0 : last + 1);
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// valijson names a place as "<root>", "[nodes]", "[0]"; RFC 6901 as "/nodes/0".
std::string pointer_of(const std::vector<std::string>& context) {
  std::string pointer;
  for (const std::string& step : context) {
    if (step.size() > 2 && step.front() == '[' && step.back() == ']') pointer += "/" + step.substr(1, step.size() - 2);
  }
  return pointer.empty() ? "/" : pointer;
}

/// valijson's sentence about a key no schema names is long; ours says just that.
std::string readable(const std::string& description) {
  const auto key = description.rfind(": '");
  if (description.starts_with("Object contains a property that could not be validated") && key != std::string::npos) {
    return "unknown key " + description.substr(key + 2, description.rfind('\'') - key - 1);
  }
  std::string text = description;
  while (text.ends_with('.')) text.pop_back();
  return text;
}

/// JSON allows an object to name a key twice and nlohmann keeps the last; a scenario never means that.
struct DuplicateKeys {
  std::vector<std::set<std::string>> open;
  std::optional<std::string> found;
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second && !found) {
      found = parsed.get<std::string>();
    }
    return true;
  }
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return fail(ErrorCode::usage, path + ": cannot be read (" + std::strerror(errno) + "); name an existing file");
  }
  return text.str();
}

Result<json> parse_document(std::string_view text, std::string_view file, std::string_view schema,
                            std::string_view schema_name) {
  json document;
  DuplicateKeys duplicates;
  try {
    document = json::parse(text, std::ref(duplicates));
  } catch (const json::parse_error& error) {
    return fail(ErrorCode::usage,
                std::string(file) + ": " + position(text, error.byte) + ": not valid JSON; mend the syntax there");
  } catch (const json::exception&) {  // a number that no type holds
    return bad_value(file, "/", "a number is too large; write one that fits into 64 bits");
  }
  if (duplicates.found) return bad_value(file, "/", "key '" + *duplicates.found + "' is given twice; keep one");

  const json schema_document = json::parse(schema);
  valijson::Schema compiled;
  valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_document), compiled);
  valijson::ValidationResults results;
  if (!valijson::Validator().validate(compiled, valijson::adapters::NlohmannJsonAdapter(document), &results)) {
    valijson::ValidationResults::Error error, deepest;
    while (results.popError(error)) {
      if (error.context.size() > deepest.context.size()) deepest = error;
    }
    return bad_value(file, pointer_of(deepest.context),
                     readable(deepest.description) + "; see " + std::string(schema_name));
  }
  return document;
}

std::unexpected<Error> bad_value(std::string_view file, std::string_view pointer, std::string_view what) {
  return fail(ErrorCode::usage, std::string(file) + ": at " + std::string(pointer) + ": " + std::string(what));
}

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/viewer/page.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "sim/json/document.h"

namespace weft::sim {

std::string_view viewer_template();  // embedded from built/

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kResultMark = "/*WEFT_RESULT*/", kTraceMark = "/*WEFT_TRACE*/";

/// Within JSON `<` stands in strings alone, and there it may be written so that no script element ends by it.
void write_json(std::ostream& out, std::string_view json) {
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t found = std::min(json.find('<', at), json.size());
    out << json.substr(at, found - at);
    if (found < json.size()) out << "\\u003c";
    at = found + 1;
  }
}

Result<std::string> read_result(const PageInput& input) {
  const auto text = read_file(input.result);
  if (!text) return text;
  Json object = Json::parse(*text, nullptr, false);
  if (!object.is_object() || !(object.contains("cells") || object.contains("runs"))) {
    return fail(ErrorCode::usage, input.result +
                                      ": is neither a matrix nor a run; name a matrix.json or run.json that "
                                      "weft-lab wrote with --out");
  }
  if (!input.scenario_file.empty()) object["file"] = input.scenario_file;
  return object.dump();
}

Result<void> copy_trace(std::ostream& out, const std::string& file) {
  if (file.empty()) return {};
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || !line.starts_with("{\"id\":")) {
    return fail(ErrorCode::usage, file + ": is not a trace; name a file that weft-lab run --trace wrote");
  }
  do {
    write_json(out, line);
    out << '\n';
  } while (std::getline(in, line));
  return {};
}

}  // namespace

Result<void> write_page(const PageInput& input, const std::string& file) {
  const auto result = read_result(input);
  if (!result) return std::unexpected(result.error());
  const std::string_view page = viewer_template();
  const std::size_t result_at = page.find(kResultMark), trace_at = page.find(kTraceMark);
  std::ofstream out(file);
  out << page.substr(0, result_at);
  write_json(out, *result);
  const std::size_t after_result = result_at + kResultMark.size();
  out << page.substr(after_result, trace_at - after_result);
  if (auto done = copy_trace(out, input.trace); !done) return done;
  out << page.substr(trace_at + kTraceMark.size());
  out.close();
  if (!out) return fail(ErrorCode::io, file + ": cannot be written; name another file with --out");
  return {};
}

}  // namespace weft::sim

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/redact.h"

#include <nlohmann/json.hpp>
#include <regex>

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestLine = 2048;  // std::regex recurses

std::string redact_line(const std::string& line) {
  static const std::regex kNamed(R"(((?:key|secret|password|token)\w*["']?\s*[=:]\s*["']?)[^\s"',;]+)",
                                 std::regex::icase);
  static const std::regex kSetupKey("weft1_[A-Za-z0-9]*");
  static const std::regex kLongRun("[A-Za-z0-9+/_-]{42,}={0,2}");  // 32 bytes in base64 are 43 characters, in hex 64
  std::string out = std::regex_replace(line, kNamed, "$1(removed)");
  out = std::regex_replace(out, kSetupKey, "(removed)");
  return std::regex_replace(out, kLongRun, "(removed)");
}

}  // namespace

std::string redact(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out += end - at > kLongestLine ? "(a long line removed)" : redact_line(text.substr(at, end - at));
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

json redact_document(const json& document) {
  if (document.is_string()) return redact(document.get<std::string>());
  if (!document.is_structured()) return document;
  json out = document;
  for (auto item = out.begin(); item != out.end(); ++item) {
    const bool is_public = out.is_object() && item.key() == "node_key";  // what every peer knows
    if (!is_public) *item = redact_document(*item);
  }
  return out;
}

}  // namespace weft::bin

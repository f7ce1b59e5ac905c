// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/report/baseline.h"

namespace weft::sim {
namespace {

using PairName = std::pair<std::string_view, std::string_view>;
using Json = nlohmann::ordered_json;

void replace(std::string& text, std::string_view name, std::string_view value) {
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

std::string command(std::string_view replay, const PairChange& change) {
  std::string text(replay);
  replace(text, "{a}", change.a);
  replace(text, "{b}", change.b);
  replace(text, "{seed}", std::to_string(change.seed));
  return text;
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view verdict(const PairChange& change) {
  if (change.worse) return "worse";
  return change.what == PairChange::What::added ? "new" : "better";
}

}  // namespace

std::string to_markdown(const std::vector<PairChange>& changes, std::size_t pairs, std::string_view replay) {
  const auto worse = std::ranges::count_if(changes, &PairChange::worse);
  const auto added = std::ranges::count(changes, PairChange::What::added, &PairChange::what);
  std::string out;
  if (!changes.empty()) out = "| | pair | what | baseline | now | repeat |\n|---|---|---|---|---|---|\n";
  for (const PairChange& change : changes) {
    out += fmt::format("| {} | {} × {} | {} | {} | {} | {} |\n", verdict(change), change.a, change.b,
                       to_string(change.what), change.before, change.now,
                       change.seed == 0 ? "" : "`" + command(replay, change) + "`");
  }
  return out + fmt::format("{} pairs: {} worse, {} better, {} new\n", pairs, worse,
                           static_cast<std::ptrdiff_t>(changes.size()) - worse - added, added);
}

std::string to_json(const std::vector<PairChange>& changes, const Baseline& now) {
  Json list = Json::array();
  for (const PairChange& change : changes) {
    list.push_back({{"a", change.a},
                    {"b", change.b},
                    {"what", to_string(change.what)},
                    {"verdict", verdict(change)},
                    {"baseline", change.before},
                    {"now", change.now},
                    {"seed", change.seed == 0 ? Json(nullptr) : Json(change.seed)}});
  }
  const Json object = {{"version", 1},
                       {"scenario", now.scenario},
                       {"commit", now.commit},
                       {"pairs", now.pairs.size()},
                       {"changes", std::move(list)}};
  return object.dump(1) + "\n";
}

std::string to_junit(const Baseline& now, const std::vector<PairChange>& changes, std::string_view replay) {
  std::map<PairName, std::vector<const PairChange*>> worse;
  std::size_t missing = 0;
  for (const PairChange& change : changes) {
    if (!change.worse) continue;
    worse[{change.a, change.b}].push_back(&change);
    missing += change.what == PairChange::What::missing ? 1 : 0;
  }
  std::string out =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
                  xml(now.scenario), now.pairs.size() + missing, worse.size());
  const auto test_case = [&](const std::string& a, const std::string& b) {
    out += fmt::format("  <testcase classname=\"{}\" name=\"{} x {}\"", xml(now.scenario), xml(a), xml(b));
    const auto found = worse.find(PairName(a, b));
    if (found == worse.end()) {
      out += "/>\n";
      return;
    }
    out += ">\n";
    for (const PairChange* change : found->second) {
      out += fmt::format("    <failure message=\"{}: {}, was {}\">{}</failure>\n", to_string(change->what),
                         xml(change->now), xml(change->before), change->seed == 0 ? "" : xml(command(replay, *change)));
    }
    out += "  </testcase>\n";
  };
  for (const PairOutcome& pair : now.pairs) test_case(pair.a, pair.b);
  for (const PairChange& change : changes) {
    if (change.what == PairChange::What::missing) test_case(change.a, change.b);
  }
  return out + "</testsuite>\n";
}

}  // namespace weft::sim

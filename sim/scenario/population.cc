// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/population.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/json/document.h"

namespace weft::sim {

std::string_view population_schema();  // embedded from docs/schema/

Result<Population> parse_population(std::string_view text, const std::string& file) {
  const auto document = parse_document(text, file, population_schema(), "docs/schema/population.schema.json");
  if (!document) return std::unexpected(document.error());
  Population population{.name = (*document)["name"], .sites_per_carrier = document->value("sites_per_carrier", 1u)};
  for (const auto& entry : (*document)["classes"]) {
    const auto weight = static_cast<std::uint64_t>(entry["weight"].get<double>() * 1e6 + 0.5);
    population.classes.push_back({entry["nat"].get<std::vector<std::string>>(), weight});
    if (weight == 0) {
      const std::string pointer = "/classes/" + std::to_string(population.classes.size() - 1) + "/weight";
      return bad_value(file, pointer, "is below a millionth, so nobody would be drawn; leave the class out");
    }
  }
  return population;
}

Result<Population> load_population(const std::string& file) {
  if (!std::filesystem::is_regular_file(file)) return fail(ErrorCode::not_found, "no such file: " + file);
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  return parse_population(*text, file);
}

}  // namespace weft::sim

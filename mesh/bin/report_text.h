// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace weft::bin {

/// The parts that the texts of `weft netcheck` and `weft explain` share, from their JSON. One line each.

/// A word for people: "-" for null, numbers with `unit`.
std::string text_of(const nlohmann::json& object, const char* key, const std::string& unit = "");
struct FactLine {
  std::string axis;
  std::string value;
};
/// What is known of the NATs, an axis a line.
std::vector<FactLine> fact_lines(const nlohmann::json& nat);
/// "pcp, verified at 203.0.113.2:20001, renewed every 3600 s"
std::string mapping_text(const nlohmann::json& mapping);
/// "203.0.113.2:41641 behind a NAT", "no UDP", "none"
std::string family_text(const nlohmann::json& family);
std::string budget_text(const nlohmann::json& budget);
std::vector<std::string> relay_lines(const nlohmann::json& relays);
/// A sentence for a reason of docs/protocol.md; empty if there is none for it.
std::string reason_sentence(const std::string& reason);

}  // namespace weft::bin

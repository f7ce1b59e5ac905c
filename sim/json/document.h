// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "mesh/base/error.h"

namespace weft::sim {

/// The whole file. ErrorCode::usage with the path and the system's reason if it cannot be read.
Result<std::string> read_file(const std::string& path);

/// Parses `text` and checks it against a JSON Schema (draft 7). An error is ErrorCode::usage and one sentence: `file`,
/// line and column or JSON pointer (RFC 6901), what is wrong, and `schema_name` as the place that tells what is
/// allowed.
Result<nlohmann::json> parse_document(std::string_view text, std::string_view file, std::string_view schema,
                                      std::string_view schema_name);

/// The sentence for a value that the schema allows and the program cannot use.
std::unexpected<Error> bad_value(std::string_view file, std::string_view pointer, std::string_view what);

}  // namespace weft::sim

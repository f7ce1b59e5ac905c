// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "sim/nat/behavior.h"

namespace weft::nat {

/// Reads a model (nat-models/*.json, docs/schema/nat-model.schema.json). `file` only names it in errors. Error: usage,
/// with the file, the JSON pointer and the remedy.
Result<Behavior> parse_model(std::string_view json, std::string_view file);
/// Reads the model in `path` from disk. Error: usage, also when there is no such file.
Result<Behavior> load_model(const std::string& path);

}  // namespace weft::nat

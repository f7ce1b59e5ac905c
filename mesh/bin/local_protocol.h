// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mesh/base/error.h"

namespace weft::bin {

/// The local socket carries one JSON object a line (docs/cli.md). Request: {"method", "params"}. Answer: any number of
/// {"event"}, then one {"result"} or {"error": {"code", "message"}}, where code is the name of an ErrorCode.
inline constexpr std::size_t kMaxLine = 256 * 1024;

std::string error_name(ErrorCode code);
/// `internal` for a name that is not one.
ErrorCode error_code_of(const std::string& name);
nlohmann::json error_object(const Error& error);

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/bin/settings.h"

namespace weft::bin {

/// Asks the daemon behind settings.socket and waits for its answer; `on_event` sees the lines before it. Errors:
/// not_running with the command that starts the daemon; timeout after `limit`; whatever the daemon refuses with.
Result<nlohmann::json> call_daemon(Service service, const Settings& settings, const std::string& method,
                                   const nlohmann::json& params, Duration limit,
                                   const std::function<void(const nlohmann::json&)>& on_event = {});

/// "weft: MESSAGE" to standard error; returns the documented exit code.
int report(const Error& error);
/// Writes one line to standard output.
void print_line(const std::string& line);

}  // namespace weft::bin

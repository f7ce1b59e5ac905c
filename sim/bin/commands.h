// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "sim/scenario/run.h"
#include "sim/world/ns3_options.h"

namespace CLI {
class App;
}

namespace weft::lab {

/// Each adds a sub-command to `app` that leaves the process's exit code in `status`.
void add_run(CLI::App& app, int& status);
void add_matrix(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_probe_nat(CLI::App& app, int& status);
void add_describe(CLI::App& app, int& status);
void add_replay(CLI::App& app, int& status);
void add_swarm(CLI::App& app, int& status);
void add_view(CLI::App& app, int& status);
void add_sweep(CLI::App& app, int& status);
void add_why(CLI::App& app, int& status);
void add_compare(CLI::App& app, int& status);
void add_study(CLI::App& app, int& status);
void add_agree(CLI::App& app, int& status);
void add_shell(CLI::App& app, int& status);
void add_exchange(CLI::App& app, int& status);
void add_connect_proxy(CLI::App& app, int& status);
void add_gateway(CLI::App& app, int& status);
void add_gateway_control(CLI::App& app, int& status);

/// Prints the sentence to standard error and returns the exit code of its kind.
int report(const Error& error);

/// Before a long run: makes the folder for its results, unless `folder` is empty. Error: io if nothing can be written
/// there.
Result<void> check_folder(const std::string& folder);
/// Writes a file of results, making its folder. Error: io with path and reason.
Result<void> write_result(const std::string& folder, const std::string& name, std::string_view text);

}  // namespace weft::lab

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/error.h"

namespace weft::sim {

/// Runs `job(0)` … `job(count - 1)` in `workers` forked processes (one simulation per process at a time: ns-3's event
/// core is global) and returns their one-line results in order of index, whatever the number of workers. A worker that
/// dies makes ErrorCode::internal with the index it was at. `job` must not return a line break. `on_result` sees
/// each result here when it comes. SIGINT and SIGTERM are passed on to the workers, which die with this process too; if
/// they leave something undone, this process gets the signal as well, and ErrorCode::closed if it goes on.
Result<std::vector<std::string>> run_in_workers(std::size_t count, unsigned workers,
                                                const std::function<std::string(std::size_t)>& job,
                                                const std::function<void(const std::string&)>& on_result = {});

}  // namespace weft::sim

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <functional>

namespace weft::bin {

/// Reads the command line. What to run, or the exit code if nothing is: 0 after --help (printed to standard output), 2
/// for a mistake (one sentence to standard error).
std::expected<std::function<int()>, int> parse_arguments(int argc, char** argv);

}  // namespace weft::bin

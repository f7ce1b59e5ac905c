// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "mesh/base/error.h"

namespace weft::sim {

/// What goes into a page.
struct PageInput {
  std::string result;         // file: matrix.json or run.json
  std::string trace;          // file: NDJSON of weft-lab run --trace; empty: none
  std::string scenario_file;  // named in the commands that repeat a run; empty: not known
};

/// Writes the viewer with these results inside as one HTML file that needs no network access. Errors: usage, if a
/// result cannot be read or is of neither kind; io, if `file` cannot be written.
Result<void> write_page(const PageInput& input, const std::string& file);

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "sim/world/ns3_options.h"

namespace weft::stack {

/// Whether ns-3 takes every attribute of `options`; if not, `problem` is a sentence for the user. Changes nothing.
bool check_attributes(const sim::Ns3Options& options, std::string& problem);

/// Sets ns-3's attribute defaults and global values for one simulation: back to ns-3's own, then Weft's (a TCP near to
/// Linux's, checksums, no random delays), then those of `options`, which check_attributes has accepted.
void set_defaults(const sim::Ns3Options& options);

}  // namespace weft::stack

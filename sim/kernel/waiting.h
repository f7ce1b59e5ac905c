// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/time.h"

namespace weft::kernel {

class HostProcess;

/// Looks each few milliseconds whether a process that was just started answers. Error: internal, with the end of its
/// log, if it ended before or does not within `limit`.
Result<void> wait_for(HostProcess& process, Duration limit, const std::function<bool()>& answers);
/// The sentence about a process that ended by itself, with the end of its log.
Error ended_early(const HostProcess& process, const std::string& how);

}  // namespace weft::kernel

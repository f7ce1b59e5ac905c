// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace weft::detail {

/// Prints the failed condition with its place to standard error and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace weft::detail

/// States what must be true unless this code is wrong; kept in release builds. Never used on input from outside.
#define WEFT_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::weft::detail::assertion_failed(#condition, __FILE__, __LINE__))

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <stdexcept>

#include "mesh/base/error.h"

namespace weft::python {

/// The exceptions of the module; each carries the sentence of an Error, or of this module.
struct ScenarioError : std::runtime_error {  // weft.ScenarioError: ErrorCode::usage
  using std::runtime_error::runtime_error;
};
struct RunError : std::runtime_error {  // weft.RunError: the others
  using std::runtime_error::runtime_error;
};
struct BusyError : std::runtime_error {  // weft.BusyError: a second simulation at the same time
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void raise(const Error& error) {
  if (error.code == ErrorCode::usage) throw ScenarioError(error.message);
  throw RunError(error.message);
}

/// The value, or raise() of its error.
template <typename T>
T value_of(Result<T> result) {
  if (!result) raise(result.error());
  return std::move(*result);
}

}  // namespace weft::python

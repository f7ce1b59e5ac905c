// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace weft {

/// Why the world refused something, as far as a caller acts upon the difference. Values of `weft` and `weft-lab` as
/// exit codes are exit_code()'s.
enum class ErrorCode {
  internal,
  usage,        // bad input: flag, file, value
  not_running,  // no agent answers on the local socket
  needs_login,
  timeout,
  relayed_only,
  denied_by_policy,
  partial,
  port_taken,
  no_tun_permission,
  coordinator_unreachable,
  wrong_coordinator_key,
  key_expired_or_used,
  expectation_failed,  // weft-lab
  worse_than_baseline,
  worlds_disagree,
  // Finer reasons inside the program; they end a process as `internal` if nobody handles them.
  refused,
  unreachable,
  closed,
  not_found,
  io,
  limit,
  corrupt,
};

/// The documented exit code of a process that ends with `code` (docs/cli.md).
int exit_code(ErrorCode code);

/// A refusal: what, where and the remedy in one sentence, fit to be shown to a user.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace weft

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/error.h"

namespace weft {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return 2;
    case ErrorCode::not_running:
      return 3;
    case ErrorCode::needs_login:
      return 4;
    case ErrorCode::timeout:
      return 5;
    case ErrorCode::relayed_only:
      return 6;
    case ErrorCode::denied_by_policy:
      return 7;
    case ErrorCode::partial:
      return 8;
    case ErrorCode::port_taken:
      return 10;
    case ErrorCode::no_tun_permission:
      return 11;
    case ErrorCode::coordinator_unreachable:
      return 12;
    case ErrorCode::wrong_coordinator_key:
      return 13;
    case ErrorCode::key_expired_or_used:
      return 14;
    case ErrorCode::expectation_failed:
      return 20;
    case ErrorCode::worse_than_baseline:
      return 21;
    case ErrorCode::worlds_disagree:
      return 22;
    case ErrorCode::internal:
    case ErrorCode::refused:
    case ErrorCode::unreachable:
    case ErrorCode::closed:
    case ErrorCode::not_found:
    case ErrorCode::io:
    case ErrorCode::limit:
    case ErrorCode::corrupt:
      return 1;
  }
  return 1;
}

}  // namespace weft

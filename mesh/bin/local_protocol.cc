// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/local_protocol.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace weft::bin {
namespace {

constexpr std::array kNames{
    std::pair{ErrorCode::internal, std::string_view("internal")},
    std::pair{ErrorCode::usage, std::string_view("usage")},
    std::pair{ErrorCode::not_running, std::string_view("not_running")},
    std::pair{ErrorCode::needs_login, std::string_view("needs_login")},
    std::pair{ErrorCode::timeout, std::string_view("timeout")},
    std::pair{ErrorCode::relayed_only, std::string_view("relayed_only")},
    std::pair{ErrorCode::denied_by_policy, std::string_view("denied_by_policy")},
    std::pair{ErrorCode::partial, std::string_view("partial")},
    std::pair{ErrorCode::port_taken, std::string_view("port_taken")},
    std::pair{ErrorCode::no_tun_permission, std::string_view("no_tun_permission")},
    std::pair{ErrorCode::coordinator_unreachable, std::string_view("coordinator_unreachable")},
    std::pair{ErrorCode::wrong_coordinator_key, std::string_view("wrong_coordinator_key")},
    std::pair{ErrorCode::key_expired_or_used, std::string_view("key_expired_or_used")},
    std::pair{ErrorCode::refused, std::string_view("refused")},
    std::pair{ErrorCode::not_found, std::string_view("not_found")},
    std::pair{ErrorCode::io, std::string_view("io")},
    std::pair{ErrorCode::limit, std::string_view("limit")},
    std::pair{ErrorCode::corrupt, std::string_view("corrupt")},
};

}  // namespace

std::string error_name(ErrorCode code) {
  const auto found = std::ranges::find(kNames, code, &decltype(kNames)::value_type::first);
  return std::string(found == kNames.end() ? "internal" : found->second);
}

ErrorCode error_code_of(const std::string& name) {
  const auto found = std::ranges::find(kNames, std::string_view(name), &decltype(kNames)::value_type::second);
  return found == kNames.end() ? ErrorCode::internal : found->first;
}

nlohmann::json error_object(const Error& error) {
  return {{"error", {{"code", error_name(error.code)}, {"message", error.message}}}};
}

}  // namespace weft::bin

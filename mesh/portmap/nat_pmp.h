// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/portmap/mapping.h"

namespace weft::portmap {

inline constexpr std::uint8_t kNatPmpVersion = 0;

/// RFC 6886 §3.2, §3.3; the value is the opcode's.
enum class NatPmpOpcode : std::uint8_t { external_address = 0, map_udp = 1, map_tcp = 2 };
/// RFC 6886 §3.5.
enum class NatPmpResult : std::uint16_t {
  success = 0,
  unsupported_version = 1,
  not_authorised = 2,
  network_failure = 3,
  out_of_resources = 4,
  unsupported_opcode = 5,
};

struct NatPmpRequest {
  NatPmpOpcode opcode = NatPmpOpcode::external_address;
  std::uint16_t internal_port = 0;  // the rest only of a mapping request
  std::uint16_t suggested_port = 0;
  std::uint32_t lifetime_s = 0;  // 0 withdraws
  friend bool operator==(const NatPmpRequest&, const NatPmpRequest&) = default;
};

struct NatPmpResponse {
  NatPmpOpcode opcode = NatPmpOpcode::external_address;
  std::uint16_t result = 0;  // a NatPmpResult, or what nobody has defined yet
  std::uint32_t epoch_s = 0;
  IpAddress external_address;  // of external_address
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  std::uint32_t lifetime_s = 0;
  friend bool operator==(const NatPmpResponse&, const NatPmpResponse&) = default;
};

Bytes encode(const NatPmpRequest& request);
Bytes encode(const NatPmpResponse& response);
/// nullopt for anything but a request (a response) of version 0 with a known opcode and all its fields. A response that
/// refuses may end behind the epoch.
std::optional<NatPmpRequest> parse_nat_pmp_request(ByteView datagram);
std::optional<NatPmpResponse> parse_nat_pmp_response(ByteView datagram);

}  // namespace weft::portmap

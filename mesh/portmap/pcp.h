// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "mesh/portmap/mapping.h"

namespace weft::portmap {

inline constexpr std::uint8_t kPcpVersion = 2;
inline constexpr std::size_t kPcpLimit = 1100;  // RFC 6887 §7: a longer datagram is an error

/// RFC 6887 §19.2; the value is the opcode's.
enum class PcpOpcode : std::uint8_t { announce = 0, map = 1, peer = 2 };
/// RFC 6887 §7.4.
enum class PcpResult : std::uint8_t {
  success = 0,
  unsupported_version = 1,
  not_authorised = 2,
  malformed_request = 3,
  unsupported_opcode = 4,
  unsupported_option = 5,
  malformed_option = 6,
  network_failure = 7,
  no_resources = 8,
  unsupported_protocol = 9,
  user_exceeded_quota = 10,
  cannot_provide_external = 11,
  address_mismatch = 12,
  excessive_remote_peers = 13,
};
/// RFC 6887 §13. An option below 128 must be understood by the server.
enum class PcpOption : std::uint8_t { third_party = 1, prefer_failure = 2, filter = 3 };

/// The fields of MAP (RFC 6887 §11.1): those of a request; in a response `external` is the assigned one.
struct PcpMap {
  std::array<std::uint8_t, 12> nonce{};
  std::uint8_t protocol = 0;  // IANA's number; 0 means all
  std::uint16_t internal_port = 0;
  Endpoint external;
  friend bool operator==(const PcpMap&, const PcpMap&) = default;
};

struct PcpRequest {
  PcpOpcode opcode = PcpOpcode::announce;
  std::uint32_t lifetime_s = 0;       // 0 withdraws
  IpAddress client;                   // the source address of the datagram, as the client knows it
  std::optional<PcpMap> map;          // of opcode map
  std::vector<std::uint8_t> options;  // the codes of what follows
  friend bool operator==(const PcpRequest&, const PcpRequest&) = default;
};

struct PcpResponse {
  PcpOpcode opcode = PcpOpcode::announce;
  std::uint8_t result = 0;       // a PcpResult, or what nobody has defined yet
  std::uint32_t lifetime_s = 0;  // of a refusal: how long it will be repeated
  std::uint32_t epoch_s = 0;
  std::optional<PcpMap> map;
  friend bool operator==(const PcpResponse&, const PcpResponse&) = default;
};

/// Options are written without data.
Bytes encode(const PcpRequest& request);
Bytes encode(const PcpResponse& response);

/// Errors of the request parser are the results that RFC 6887 §8.2 tells a server to answer with.
struct PcpFault {
  PcpResult result = PcpResult::malformed_request;
  std::uint8_t opcode = 0;
};
std::expected<PcpRequest, PcpFault> parse_pcp_request(ByteView datagram);
/// nullopt for anything but a response of version 2 to ANNOUNCE or MAP with all its fields.
std::optional<PcpResponse> parse_pcp_response(ByteView datagram);
/// Whether an answer says that the server knows no PCP, or another version of it only (RFC 6887 §9, RFC 6886 §3.5).
bool says_other_version(ByteView datagram);

}  // namespace weft::portmap

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/pcp.h"

#include <algorithm>

namespace weft::portmap {
namespace {

constexpr std::uint8_t kResponse = 0x80;

/// IPv4 addresses travel as ::ffff:a.b.c.d (RFC 6887 §5).
void put_address(Writer& writer, const IpAddress& address) {
  if (address.is_v6()) {
    writer.bytes(address.bytes());
  } else {
    writer.zeros(10).u16be(0xFFFF).bytes(address.bytes());
  }
}

IpAddress take_address(Reader& reader) {
  const ByteView bytes = reader.bytes(16);
  if (bytes.size() != 16) return {};
  const bool mapped = std::ranges::all_of(bytes.first(10), [](std::uint8_t byte) { return byte == 0; }) &&
                      bytes[10] == 0xFF && bytes[11] == 0xFF;
  return *IpAddress::from_bytes(mapped ? bytes.subspan(12) : bytes);
}

void put_map(Writer& writer, const PcpMap& map) {
  writer.bytes(map.nonce).u8(map.protocol).zeros(3).u16be(map.internal_port).u16be(map.external.port);
  put_address(writer, map.external.address);
}

PcpMap take_map(Reader& reader) {
  PcpMap map;
  reader.copy_to(map.nonce);
  map.protocol = reader.u8();
  reader.skip(3);
  map.internal_port = reader.u16be();
  const std::uint16_t port = reader.u16be();
  map.external = {take_address(reader), port};
  return map;
}

/// RFC 6887 §7.3: code, reserved, length, data padded to four bytes. False: what is there is no option.
bool take_options(Reader& reader, std::vector<std::uint8_t>& codes) {
  while (reader.remaining() > 0 && !reader.failed()) {
    codes.push_back(reader.u8());
    reader.skip(1);
    reader.skip((std::size_t{reader.u16be()} + 3) / 4 * 4);
  }
  return !reader.failed();
}

}  // namespace

Bytes encode(const PcpRequest& request) {
  Writer writer;
  writer.u8(kPcpVersion).u8(static_cast<std::uint8_t>(request.opcode)).u16be(0).u32be(request.lifetime_s);
  put_address(writer, request.client);
  if (request.map) put_map(writer, *request.map);
  for (const std::uint8_t code : request.options) writer.u8(code).u8(0).u16be(0);
  return writer.take();
}

Bytes encode(const PcpResponse& response) {
  Writer writer;
  writer.u8(kPcpVersion).u8(kResponse | static_cast<std::uint8_t>(response.opcode)).u8(0).u8(response.result);
  writer.u32be(response.lifetime_s).u32be(response.epoch_s).zeros(12);
  if (response.map) put_map(writer, *response.map);
  return writer.take();
}

std::expected<PcpRequest, PcpFault> parse_pcp_request(ByteView datagram) {
  Reader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  const auto fault = [&](PcpResult result) { return std::unexpected(PcpFault{result, opcode}); };
  if (version != kPcpVersion) return fault(PcpResult::unsupported_version);
  reader.skip(2);
  PcpRequest request{.lifetime_s = reader.u32be(), .client = take_address(reader), .map = {}, .options = {}};
  if (reader.failed() || datagram.size() > kPcpLimit || datagram.size() % 4 != 0 || opcode >= kResponse)
    return fault(PcpResult::malformed_request);
  if (opcode > static_cast<std::uint8_t>(PcpOpcode::map)) return fault(PcpResult::unsupported_opcode);
  request.opcode = static_cast<PcpOpcode>(opcode);
  if (request.opcode == PcpOpcode::map) request.map = take_map(reader);
  if (reader.failed()) return fault(PcpResult::malformed_request);
  if (!take_options(reader, request.options)) return fault(PcpResult::malformed_option);
  return request;
}

std::optional<PcpResponse> parse_pcp_response(ByteView datagram) {
  Reader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  reader.skip(1);
  PcpResponse response{.result = reader.u8(), .lifetime_s = reader.u32be(), .epoch_s = reader.u32be(), .map = {}};
  reader.skip(12);
  if (reader.failed() || version != kPcpVersion || datagram.size() > kPcpLimit) return std::nullopt;
  if (opcode != kResponse && opcode != (kResponse | static_cast<std::uint8_t>(PcpOpcode::map))) return std::nullopt;
  response.opcode = static_cast<PcpOpcode>(opcode & ~kResponse);
  if (response.opcode == PcpOpcode::map) response.map = take_map(reader);
  return reader.failed() ? std::nullopt : std::optional(response);
}

bool says_other_version(ByteView datagram) {
  Reader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  const std::uint16_t result = reader.u16be();
  if (reader.failed() || opcode < kResponse) return false;
  return version == kPcpVersion ? (result & 0xFF) == 1 : result == 1;
}

}  // namespace weft::portmap

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/nat_pmp.h"

namespace weft::portmap {
namespace {

constexpr std::uint8_t kResponse = 0x80;
constexpr std::uint8_t kLastOpcode = 2;

bool maps(NatPmpOpcode opcode) { return opcode != NatPmpOpcode::external_address; }

}  // namespace

Bytes encode(const NatPmpRequest& request) {
  Writer writer;
  writer.u8(kNatPmpVersion).u8(static_cast<std::uint8_t>(request.opcode));
  if (maps(request.opcode))
    writer.u16be(0).u16be(request.internal_port).u16be(request.suggested_port).u32be(request.lifetime_s);
  return writer.take();
}

Bytes encode(const NatPmpResponse& response) {
  Writer writer;
  writer.u8(kNatPmpVersion).u8(kResponse | static_cast<std::uint8_t>(response.opcode));
  writer.u16be(response.result).u32be(response.epoch_s);
  if (maps(response.opcode)) {
    writer.u16be(response.internal_port).u16be(response.external_port).u32be(response.lifetime_s);
  } else {
    writer.u32be(response.external_address.is_v4() ? response.external_address.v4_host_order() : 0);
  }
  return writer.take();
}

std::optional<NatPmpRequest> parse_nat_pmp_request(ByteView datagram) {
  Reader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  if (reader.failed() || version != kNatPmpVersion || opcode > kLastOpcode) return std::nullopt;
  NatPmpRequest request{.opcode = static_cast<NatPmpOpcode>(opcode)};
  if (!maps(request.opcode)) return request;
  reader.skip(2);
  request.internal_port = reader.u16be();
  request.suggested_port = reader.u16be();
  request.lifetime_s = reader.u32be();
  return reader.failed() ? std::nullopt : std::optional(request);
}

std::optional<NatPmpResponse> parse_nat_pmp_response(ByteView datagram) {
  Reader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  NatPmpResponse response{.result = reader.u16be(), .epoch_s = reader.u32be()};
  if (reader.failed() || version != kNatPmpVersion || opcode < kResponse || opcode > (kResponse | kLastOpcode))
    return std::nullopt;
  response.opcode = static_cast<NatPmpOpcode>(opcode & ~kResponse);
  if (response.result != 0 && reader.remaining() == 0) return response;
  if (maps(response.opcode)) {
    response.internal_port = reader.u16be();
    response.external_port = reader.u16be();
    response.lifetime_s = reader.u32be();
  } else {
    response.external_address = IpAddress::v4(reader.u32be());
  }
  return reader.failed() ? std::nullopt : std::optional(response);
}

}  // namespace weft::portmap

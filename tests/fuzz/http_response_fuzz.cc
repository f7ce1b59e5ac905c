// SPDX-License-Identifier: BSD-3-Clause
// links: weft_http
// A response in one piece and in two give the same answer, and each client decides one way, never both.
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.h"
#include "mesh/http/connect.h"
#include "mesh/http/upgrade.h"

using namespace weft;

namespace {

std::optional<http::Response> parse(ByteView head, ByteView tail, std::optional<http::HttpError>& failed, Bytes& rest) {
  http::ResponseParser parser;
  parser.handle_data(head);
  parser.handle_data(tail);
  parser.handle_end();
  failed = parser.failed();
  rest = parser.take_rest();
  return parser.poll_response();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  const std::size_t cut = input.size() * data[0] / 255;
  std::optional<http::HttpError> whole_failed, cut_failed;
  Bytes whole_rest, cut_rest;
  const auto whole = parse(input, {}, whole_failed, whole_rest);
  const auto in_two = parse(input.first(cut), input.subspan(cut), cut_failed, cut_rest);
  WEFT_ASSERT(whole == in_two && whole_failed.has_value() == cut_failed.has_value() && whole_rest == cut_rest);
  WEFT_ASSERT(whole.has_value() != whole_failed.has_value());

  http::UpgradeClient client({.host = "relay.example", .target = "/relay", .protocol = "weft-relay/1"});
  client.handle_data(input.first(cut));
  client.handle_data(input.subspan(cut));
  client.handle_end();
  WEFT_ASSERT(client.agreed() != client.failed().has_value());

  http::ConnectClient tunnel({.host = "proxy.example", .port = 3128, .credentials = {}},
                             {IpAddress::v4(192, 0, 2, 1), 443});
  tunnel.handle_data(input.first(cut));
  tunnel.handle_data(input.subspan(cut));
  tunnel.handle_end();
  WEFT_ASSERT(tunnel.agreed() != tunnel.failed().has_value());
  return 0;
}

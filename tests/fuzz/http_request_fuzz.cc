// SPDX-License-Identifier: BSD-3-Clause
// links: weft_http
// A request in one piece and in two give the same answer (a wrong one may be noticed later when cut: Beast then waits
// for the blank line); what was read and written again is read alike.
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.h"
#include "mesh/http/upgrade.h"

using namespace weft;

namespace {

std::optional<http::Request> parse(ByteView head, ByteView tail, std::optional<http::HttpError>& failed, Bytes& rest) {
  http::RequestParser parser;
  parser.handle_data(head);
  parser.handle_data(tail);
  failed = parser.failed();
  rest = parser.take_rest();
  return parser.poll_request();
}

void check_round_trip(const http::Request& request) {
  if (http::count_fields(request.fields, "Transfer-Encoding") + http::count_fields(request.fields, "Content-Length") !=
      0) {
    return;
  }
  std::optional<http::HttpError> failed;
  Bytes rest;
  const Bytes text = http::serialize(request);
  if (text.size() > http::kHeaderLimit) return;
  const auto again = parse(text, {}, failed, rest);
  WEFT_ASSERT(again && *again == request && rest.empty());
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
  WEFT_ASSERT(whole == in_two && whole_rest == cut_rest && !(in_two && cut_failed));
  WEFT_ASSERT(!whole || !whole_failed);
  if (whole) check_round_trip(*whole);

  http::UpgradeServer server({"weft-control/1", "weft-relay/1"});
  server.handle_data(input.first(cut));
  server.handle_data(input.subspan(cut));
  WEFT_ASSERT(!server.upgraded() || !server.refused());
  WEFT_ASSERT(server.poll_write().has_value() == (server.upgraded() || server.refused()));
  return 0;
}

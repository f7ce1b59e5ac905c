// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/negotiation.h"

#include <algorithm>
#include <utility>

namespace weft::http {
namespace {

/// Content types of TLS records (RFC 8446 §5.1): alert and handshake.
bool looks_like_tls(std::uint8_t first_byte) { return first_byte == 0x15 || first_byte == 0x16; }

}  // namespace

std::string excerpt(ByteView text) {
  std::string out(as_text(text.first(std::min<std::size_t>(text.size(), 80))));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, ' ');
  out.resize(out.find_last_not_of(' ') + 1);
  return out;
}

Negotiation::Negotiation(std::string answerer, const Request& request, ResponseParser parser)
    : answerer_(std::move(answerer)), request_(serialize(request)), parser_(std::move(parser)) {}

std::optional<Bytes> Negotiation::poll_write() {
  if (request_.empty()) return std::nullopt;
  return std::exchange(request_, {});
}

void Negotiation::handle_data(ByteView bytes) {
  if (failed_ || bytes.empty()) return;
  if (!std::exchange(got_some_, true) && looks_like_tls(bytes[0])) {
    failed_ = Error{ErrorCode::refused, answerer_ + " speaks TLS where plain HTTP was expected: turn TLS on for it"};
    return;
  }
  parser_.handle_data(bytes);
  look();
}

void Negotiation::handle_end() {
  if (failed_ || agreed_) return;
  parser_.handle_end();
  if (got_some_) look();
  if (!failed_) failed_ = Error{ErrorCode::refused, answerer_ + " closed the connection before it answered"};
}

void Negotiation::look() {
  if (const auto error = parser_.failed()) {
    failed_ =
        Error{ErrorCode::refused, "the answer of " + answerer_ + " cannot be used: " + std::string(describe(*error))};
    return;
  }
  const auto response = parser_.poll_response();
  if (!response) return;
  failed_ = judge(*response);
  agreed_ = !failed_;
}

}  // namespace weft::http

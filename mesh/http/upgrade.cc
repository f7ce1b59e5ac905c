// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/upgrade.h"

#include <algorithm>
#include <utility>

namespace weft::http {
namespace {

/// Content types of TLS records (RFC 8446 §5.1): alert and handshake.
bool looks_like_tls(std::uint8_t first_byte) { return first_byte == 0x15 || first_byte == 0x16; }

/// The beginning of a text from the network, fit for one line of a message.
std::string excerpt(ByteView body) {
  std::string text(as_text(body.first(std::min<std::size_t>(body.size(), 80))));
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

std::optional<Bytes> take(Bytes& bytes) {
  if (bytes.empty()) return std::nullopt;
  return std::exchange(bytes, {});
}

}  // namespace

UpgradeClient::UpgradeClient(const UpgradeOffer& offer)
    : protocol_(offer.protocol),
      request_(
          serialize(Request{.target = offer.target,
                            .fields = {{"Host", offer.host}, {"Connection", "Upgrade"}, {"Upgrade", offer.protocol}},
                            .body = {}})) {}

std::optional<Bytes> UpgradeClient::poll_write() { return take(request_); }

void UpgradeClient::handle_data(ByteView bytes) {
  if (failed_ || bytes.empty()) return;
  if (!std::exchange(got_some_, true) && looks_like_tls(bytes[0])) {
    failed_ = Error{ErrorCode::refused, "the server speaks TLS where plain HTTP was expected: turn TLS on for it"};
    return;
  }
  parser_.handle_data(bytes);
  judge();
}

void UpgradeClient::handle_end() {
  if (failed_ || upgraded_) return;
  parser_.handle_end();
  if (got_some_) judge();
  if (!failed_) failed_ = Error{ErrorCode::refused, "the server closed the connection before it answered"};
}

void UpgradeClient::judge() {
  if (const auto error = parser_.failed()) {
    failed_ = Error{ErrorCode::refused, "the answer of the server cannot be used: " + std::string(describe(*error))};
    return;
  }
  const auto response = parser_.poll_response();
  if (!response) return;
  if (response->status != 101) {
    const std::string body = excerpt(response->body);
    failed_ = Error{ErrorCode::refused, "the server answered " + std::to_string(response->status) +
                                            " to the upgrade to " + protocol_ + (body.empty() ? "" : ": " + body)};
  } else if (!has_token(response->fields, "Connection", "upgrade") ||
             !has_token(response->fields, "Upgrade", protocol_)) {
    failed_ = Error{ErrorCode::refused, "the server switched to another protocol than " + protocol_};
  } else {
    upgraded_ = true;
  }
}

std::optional<Bytes> UpgradeServer::poll_write() { return take(response_); }

void UpgradeServer::handle_data(ByteView bytes) {
  if (refused_) return;
  parser_.handle_data(bytes);
  if (upgraded_) return;
  if (const auto error = parser_.failed()) {
    const int status = *error == HttpError::header_too_large ? 431 : *error == HttpError::body_too_large ? 413 : 400;
    refuse(status, describe(*error));
  } else if (const auto request = parser_.poll_request()) {
    judge(*request);
  }
}

void UpgradeServer::judge(const Request& request) {
  if (request.http_1_1 && count_fields(request.fields, "Host") != 1) {  // RFC 9112 §3.2
    return refuse(400, "a request has one Host field");
  }
  // RFC 9110 §7.8: Upgrade counts only beside Connection: upgrade, and not in HTTP/1.0.
  const bool asks = request.http_1_1 && has_token(request.fields, "Connection", "upgrade") &&
                    count_fields(request.fields, "Upgrade") != 0;
  if (!asks || request.method != "GET") return refuse(404, "there is nothing here but an upgrade");
  for (const std::string& protocol : protocols_) {
    if (!has_token(request.fields, "Upgrade", protocol)) continue;
    upgraded_ = protocol;
    response_ = serialize(Response{
        .status = 101, .reason = {}, .fields = {{"Connection", "Upgrade"}, {"Upgrade", protocol}}, .body = {}});
    return;
  }
  std::string known;
  for (const std::string& protocol : protocols_) known += (known.empty() ? "" : ", ") + protocol;
  refuse(426, "this server does not speak that protocol", {{"Connection", "Upgrade"}, {"Upgrade", known}});
}

void UpgradeServer::refuse(int status, std::string_view sentence, Fields fields) {
  refused_ = status;
  fields.push_back({"Connection", "close"});
  fields.push_back({"Content-Type", "text/plain"});
  const std::string body = std::string(sentence) + "\n";
  response_ = serialize(
      Response{.status = status, .reason = {}, .fields = std::move(fields), .body = to_bytes(as_bytes(body))});
}

}  // namespace weft::http

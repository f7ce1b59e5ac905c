// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/upgrade.h"

#include <algorithm>
#include <utility>

namespace weft::http {
namespace {

std::optional<Bytes> take(Bytes& bytes) {
  if (bytes.empty()) return std::nullopt;
  return std::exchange(bytes, {});
}

}  // namespace

UpgradeClient::UpgradeClient(const UpgradeOffer& offer)
    : Negotiation("the server",
                  {.target = offer.target,
                   .fields = {{"Host", offer.host}, {"Connection", "Upgrade"}, {"Upgrade", offer.protocol}},
                   .body = {}},
                  ResponseParser()),
      protocol_(offer.protocol) {}

std::optional<Error> UpgradeClient::judge(const Response& response) const {
  if (response.status != 101) {
    const std::string body = excerpt(response.body);
    return Error{ErrorCode::refused, answerer() + " answered " + std::to_string(response.status) +
                                         " to the upgrade to " + protocol_ + (body.empty() ? "" : ": " + body)};
  }
  if (!has_token(response.fields, "Connection", "upgrade") || !has_token(response.fields, "Upgrade", protocol_))
    return Error{ErrorCode::refused, answerer() + " switched to another protocol than " + protocol_};
  return std::nullopt;
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

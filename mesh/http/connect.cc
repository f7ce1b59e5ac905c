// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/connect.h"

#include <utility>

namespace weft::http {
namespace {

Request request_for(const Proxy& proxy, const Endpoint& target) {
  Request request{.method = "CONNECT",
                  .target = target.to_string(),
                  .fields = {{"Host", target.to_string()}, {"User-Agent", "weft"}},
                  .body = {}};
  if (proxy.credentials) request.fields.push_back({"Proxy-Authorization", basic_authorization(*proxy.credentials)});
  return request;
}

}  // namespace

ConnectClient::ConnectClient(const Proxy& proxy, const Endpoint& target)
    : Negotiation("the proxy", request_for(proxy, target), ResponseParser::of_connect()),
      sent_credentials_(proxy.credentials.has_value()) {}

std::optional<Error> ConnectClient::judge(const Response& response) const {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  std::string text = answerer() + " answered " + std::to_string(response.status);
  const std::string reason = excerpt(as_bytes(response.reason));
  if (!reason.empty()) text += " " + reason;
  const bool unknown =
      response.status == 407 || response.status == 401;  // the latter is tinyproxy's for a wrong password
  if (unknown && sent_credentials_) {
    text += ": it does not take this user and password, or not by Basic authentication";
  } else if (unknown) {
    text += ": give a user and a password, as in http://USER:PASSWORD@HOST:PORT";
  } else if (response.status == 403 || response.status == 405) {
    text += ": it does not let this machine connect there; ask for it, or name the destination in NO_PROXY";
  }
  return Error{ErrorCode::refused, text};
}

}  // namespace weft::http

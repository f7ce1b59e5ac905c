// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/http/codec.h"
#include "mesh/http/negotiation.h"

namespace weft::http {

/// What a client asks for: another protocol on this connection (RFC 9110 §7.8).
struct UpgradeOffer {
  std::string host;      // of the Host field
  std::string target;    // "/relay"
  std::string protocol;  // "weft-relay/1"
};

/// The client's side of an HTTP upgrade: agreed() if the answer was 101 for the protocol asked for. Any other answer is
/// ErrorCode::refused; the message has its status and the beginning of its body.
class UpgradeClient final : public Negotiation {
 public:
  explicit UpgradeClient(const UpgradeOffer& offer);

 private:
  std::optional<Error> judge(const Response& response) const override;
  std::string protocol_;
};

/// The server's side: one request, which is answered 101, or refused with 400, 404, 413, 426 or 431 and the connection
/// is to be closed.
class UpgradeServer {
 public:
  explicit UpgradeServer(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {}

  void handle_data(ByteView bytes);
  std::optional<Bytes> poll_write();

  /// The protocol that was switched to, as this server spells it; take_rest() holds its first bytes.
  const std::optional<std::string>& upgraded() const { return upgraded_; }
  /// The status of the refusal that poll_write() gave or gives.
  std::optional<int> refused() const { return refused_; }
  Bytes take_rest() { return parser_.take_rest(); }

 private:
  void judge(const Request& request);
  void refuse(int status, std::string_view sentence, Fields fields = {});

  std::vector<std::string> protocols_;
  RequestParser parser_;
  Bytes response_;
  std::optional<std::string> upgraded_;
  std::optional<int> refused_;
};

}  // namespace weft::http

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/http/codec.h"

namespace weft::http {

/// The client's side of an exchange after which a connection carries something else than HTTP: one request, one answer.
class Negotiation {
 public:
  virtual ~Negotiation() = default;
  Negotiation(const Negotiation&) = delete;
  Negotiation& operator=(const Negotiation&) = delete;

  void handle_data(ByteView bytes);
  /// The stream has ended.
  void handle_end();
  std::optional<Bytes> poll_write();

  /// The answer was yes; take_rest() holds the first bytes of what follows.
  bool agreed() const { return agreed_; }
  /// The answer was another one, or none; the code is what the caller acts upon, the message says what came.
  const std::optional<Error>& failed() const { return failed_; }
  Bytes take_rest() { return parser_.take_rest(); }

 protected:
  /// `answerer`: "the server" or "the proxy", for sentences.
  Negotiation(std::string answerer, const Request& request, ResponseParser parser);
  const std::string& answerer() const { return answerer_; }

 private:
  /// Why `response` is a no; nullopt if it is a yes.
  virtual std::optional<Error> judge(const Response& response) const = 0;
  void look();

  std::string answerer_;
  Bytes request_;
  ResponseParser parser_;
  bool got_some_ = false;
  bool agreed_ = false;
  std::optional<Error> failed_;
};

/// The beginning of a text from the network, fit for one line of a message.
std::string excerpt(ByteView text);

}  // namespace weft::http

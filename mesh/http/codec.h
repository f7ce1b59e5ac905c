// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/http/message.h"

namespace weft::http {

/// The bytes of a message. A Content-Length is added if there is a body, and to every response that may have one.
/// `message` has no CR, LF or NUL in its texts.
Bytes serialize(const Request& message);
Bytes serialize(const Response& message);

/// Reads one request from bytes cut anywhere.
class RequestParser {
 public:
  RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  /// After the end of the message bytes are only kept for take_rest(); after a failure they are dropped.
  void handle_data(ByteView bytes);
  /// The whole request, once.
  std::optional<Request> poll_request();
  std::optional<HttpError> failed() const;
  /// What followed the message: another protocol's first bytes after an upgrade.
  Bytes take_rest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads one response from bytes cut anywhere.
class ResponseParser {
 public:
  ResponseParser();
  /// Of the answer to CONNECT: it ends with its header, and what follows is the rest (RFC 9110 §9.3.6).
  static ResponseParser of_connect();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;
  ~ResponseParser();

  /// As RequestParser. A response with a 1xx status has no body: what follows is the rest.
  void handle_data(ByteView bytes);
  /// The stream has ended: completes a body without a length, or fails.
  void handle_end();
  std::optional<Response> poll_response();
  std::optional<HttpError> failed() const;
  Bytes take_rest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::http

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"

namespace weft::http {

/// Most bytes of a start line with all fields, and of a body; beyond it a message is an error.
inline constexpr std::size_t kHeaderLimit = 8 * 1024;
inline constexpr std::size_t kBodyLimit = 16 * 1024;

enum class HttpError {
  malformed,
  header_too_large,
  body_too_large,
};
/// A sentence for `error`, without a full stop.
std::string_view describe(HttpError error);

struct Field {
  std::string name;
  std::string value;
  friend bool operator==(const Field&, const Field&) = default;
};

/// The fields of a message in the order of the wire, except that those of one name follow each other.
using Fields = std::vector<Field>;
/// ASCII letters alone.
bool equal_in_any_case(std::string_view a, std::string_view b);
std::size_t count_fields(const Fields& fields, std::string_view name);
/// The elements of the comma-separated lists of all fields `name` (RFC 9110 §5.6.1); views into `fields`.
std::vector<std::string_view> list_elements(const Fields& fields, std::string_view name);
/// Whether `token` is one of list_elements(), in any case.
bool has_token(const Fields& fields, std::string_view name, std::string_view token);

/// An HTTP/1.x request (RFC 9112).
struct Request {
  std::string method = "GET";
  std::string target = "/";
  bool http_1_1 = true;
  Fields fields;
  Bytes body;
  friend bool operator==(const Request&, const Request&) = default;
};

/// An HTTP/1.x response (RFC 9112). An empty `reason` is written as the usual one of `status`.
struct Response {
  int status = 200;
  std::string reason;
  Fields fields;
  Bytes body;
  friend bool operator==(const Response&, const Response&) = default;
};

}  // namespace weft::http

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/message.h"

#include <algorithm>

namespace weft::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> list_elements(const Fields& fields, std::string_view name) {
  std::vector<std::string_view> elements;
  for (const Field& field : fields) {
    if (!equal_in_any_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      const auto element = trim(rest.substr(0, comma));
      if (!element.empty()) elements.push_back(element);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return elements;
}

bool has_token(const Fields& fields, std::string_view name, std::string_view token) {
  return std::ranges::any_of(list_elements(fields, name),
                             [&](std::string_view element) { return equal_in_any_case(element, token); });
}

std::size_t count_fields(const Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const Field& field) { return equal_in_any_case(field.name, name); }));
}

std::string_view describe(HttpError error) {
  switch (error) {
    case HttpError::malformed:
      return "this is not HTTP/1.1";
    case HttpError::header_too_large:
      return "the HTTP header exceeds 8 KB";
    case HttpError::body_too_large:
      return "the HTTP body exceeds 16 KB";
  }
  return "unknown HTTP error";
}

}  // namespace weft::http

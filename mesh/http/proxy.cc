// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/proxy.h"

#include <algorithm>
#include <charconv>

#include "mesh/base/bytes.h"
#include "mesh/http/message.h"

namespace weft::http {
namespace {

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::usage, "the HTTP proxy " + what + "; write http://proxy.example:3128");
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<Credentials> parse_credentials(std::string_view text) {
  const auto colon = text.find(':');
  auto user = percent_decoded(text.substr(0, colon));
  auto password = percent_decoded(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
  if (!user || !password || user->find(':') != std::string::npos) return std::nullopt;
  return Credentials{*std::move(user), *std::move(password)};
}

/// "HOST", "HOST:PORT", "[ADDRESS]" or "[ADDRESS]:PORT"; a bare IPv6 address has no port.
struct Authority {
  std::string_view host, port;
};
std::optional<Authority> split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || rest.size() == 1)) return std::nullopt;
    return Authority{text.substr(1, end - 1), rest.empty() ? rest : rest.substr(1)};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return Authority{text, {}};
  if (colon + 1 == text.size()) return std::nullopt;
  return Authority{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, fits);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string basic_authorization(const Credentials& credentials) {
  return "Basic " + to_base64(as_bytes(credentials.user + ":" + credentials.password));
}

std::string Proxy::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Proxy> parse_proxy(std::string_view text) {
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
    const std::string name(text.substr(0, scheme));
    if (!equal_in_any_case(name, "http")) return bad("is of the kind " + name + "://, and only http:// is spoken");
    text.remove_prefix(scheme + 3);
  }
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    proxy.credentials = parse_credentials(text.substr(0, at));
    if (!proxy.credentials) return bad("has a user or password that is not percent-encoded rightly");
    text.remove_prefix(at + 1);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  const auto authority = split(text);
  if (!authority || !is_host(authority->host)) return bad("has no host that could be one");
  proxy.host = authority->host;
  if (authority->port.empty()) return proxy;
  const auto port = parse_port(authority->port);
  if (!port) return bad("has no port from 1 to 65535");
  proxy.port = *port;
  return proxy;
}

bool ProxySettings::applies_to(const Endpoint& destination) const {
  if (never || destination.address.is_loopback() || destination.address.is_link_local()) return false;
  return std::ranges::none_of(exceptions, [&](const Exception& exception) {
    return exception.prefix.contains(destination.address) &&
           exception.port.value_or(destination.port) == destination.port;
  });
}

Result<void> add_exceptions(ProxySettings& settings, std::string_view no_proxy) {
  while (!no_proxy.empty()) {
    const auto comma = no_proxy.find(',');
    const std::string_view entry = trimmed(no_proxy.substr(0, comma));
    no_proxy.remove_prefix(comma == std::string_view::npos ? no_proxy.size() : comma + 1);
    if (entry.empty()) continue;
    if (entry == "*") {
      settings.never = true;
      continue;
    }
    if (const auto prefix = Prefix::parse(entry)) {
      settings.exceptions.push_back({*prefix, std::nullopt});
      continue;
    }
    const auto authority = split(entry);
    const auto port = authority ? parse_port(authority->port) : std::nullopt;
    if (!authority || (!authority->port.empty() && !port))
      return fail(ErrorCode::usage,
                  "NO_PROXY has the entry '" + std::string(entry) +
                      "', which is no address, prefix or name with or without a port from 1 to 65535");
    const auto prefix = Prefix::parse(authority->host);
    const auto address = IpAddress::parse(authority->host);
    if (prefix) settings.exceptions.push_back({*prefix, port});
    if (!prefix && address) settings.exceptions.push_back({Prefix::host(*address), port});
  }
  return {};
}

}  // namespace weft::http

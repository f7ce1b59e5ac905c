// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::http {

struct Credentials {
  std::string user;
  std::string password;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// The value of an Authorization or Proxy-Authorization field (RFC 7617 §2).
std::string basic_authorization(const Credentials& credentials);

/// A proxy that connects by HTTP CONNECT.
struct Proxy {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 80;
  std::optional<Credentials> credentials;
  /// "http://proxy.example:3128", without credentials.
  std::string to_string() const;
  friend bool operator==(const Proxy&, const Proxy&) = default;
};

/// Reads what HTTPS_PROXY holds: "http://[USER:PASSWORD@]HOST[:PORT][/]", or the same without "http://"; the port is 80
/// unless said; user and password may be percent-encoded (RFC 3986 §2.1). Errors: usage, with a sentence that does not
/// repeat the password; also for https:// and socks5:// proxies, which are not spoken.
Result<Proxy> parse_proxy(std::string_view text);

/// Which proxy, and for which destinations.
struct ProxySettings {
  /// A line of NO_PROXY that can concern an address.
  struct Exception {
    Prefix prefix;
    std::optional<std::uint16_t> port;
  };
  Proxy proxy;
  bool never = false;  // NO_PROXY is "*"
  std::vector<Exception> exceptions;

  /// Loopback and link-local destinations are always reached directly.
  bool applies_to(const Endpoint& destination) const;
};

/// Adds what NO_PROXY holds: a list with commas of addresses, prefixes (10.0.0.0/8) and "*", each but the last with
/// ":PORT" if wanted ("[2001:db8::1]:443"). Names are allowed, as the variable is shared with other programs, and
/// concern nothing: services are dialled by address. Errors: usage.
Result<void> add_exceptions(ProxySettings& settings, std::string_view no_proxy);

}  // namespace weft::http

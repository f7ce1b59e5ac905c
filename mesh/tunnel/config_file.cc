// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tunnel/config_file.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace weft::tunnel {
namespace {

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::uint16_t> parse_number(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Each setter returns whether the value was good.
template <typename T>
bool set(T& field, const std::optional<T>& value) {
  if (value) field = *value;
  return value.has_value();
}

bool set_prefixes(std::vector<Prefix>& field, std::string_view list, bool hosts) {
  while (!list.empty()) {
    const std::string_view item = trim(take_until(list, ','));
    // wg-quick writes an interface's own address with the length of its network.
    const auto prefix = hosts ? Prefix::parse(item.substr(0, item.find('/'))) : Prefix::parse(item);
    if (!prefix) return false;
    field.push_back(*prefix);
  }
  return true;
}

enum class Outcome { done, bad_value, unknown_key };
Outcome outcome(bool good) { return good ? Outcome::done : Outcome::bad_value; }

Outcome set_interface(StaticTunnelConfig& config, std::string_view key, std::string_view value) {
  if (equal_ignoring_case(key, "PrivateKey")) {
    return outcome(set(config.private_key, crypto::PrivateKey::from_base64(value)));
  }
  if (equal_ignoring_case(key, "ListenPort")) {
    const auto port = parse_number(value);
    for (Endpoint& local : config.listen) local.port = port.value_or(0);
    return outcome(port.has_value());
  }
  if (equal_ignoring_case(key, "Address")) return outcome(set_prefixes(config.tun.addresses, value, true));
  if (equal_ignoring_case(key, "MTU"))
    return outcome(set(config.tun.mtu, parse_number(value)) && config.tun.mtu >= 576);
  return Outcome::unknown_key;
}

Outcome set_peer(StaticPeer& peer, std::string_view key, std::string_view value) {
  if (equal_ignoring_case(key, "PublicKey")) {
    return outcome(set(peer.public_key, crypto::PublicKey::from_base64(value)));
  }
  if (equal_ignoring_case(key, "PresharedKey")) {
    return outcome(set(peer.preshared_key, crypto::PresharedKey::from_base64(value)));
  }
  if (equal_ignoring_case(key, "AllowedIPs")) return outcome(set_prefixes(peer.allowed_ips, value, false));
  if (equal_ignoring_case(key, "Endpoint")) {
    peer.endpoint = Endpoint::parse(value);
    return outcome(peer.endpoint.has_value());
  }
  if (equal_ignoring_case(key, "PersistentKeepalive")) {
    const auto seconds = equal_ignoring_case(value, "off") ? std::uint16_t{0} : parse_number(value);
    peer.persistent_keepalive = Duration(1s) * seconds.value_or(0);
    return outcome(seconds.has_value());
  }
  return Outcome::unknown_key;
}

class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {
    config_.listen = {{IpAddress::any(IpFamily::v4), 0}, {IpAddress::any(IpFamily::v6), 0}};
    config_.tun.mtu = 1420;
  }

  Result<StaticTunnelConfig> parse(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::string_view line = trim(take_until(text, '\n'));
      if (auto done = read(trim(line.substr(0, line.find('#')))); !done) return std::unexpected(done.error());
    }
    if (config_.private_key.is_zero()) return refuse("[Interface] needs a PrivateKey");
    for (const StaticPeer& peer : config_.peers) {
      if (peer.public_key.is_zero()) return refuse("a [Peer] has no PublicKey");
    }
    return config_;
  }

 private:
  Result<void> read(std::string_view line) {
    if (line.empty()) return {};
    if (equal_ignoring_case(line, "[Interface]")) return section_ = Section::interface, Result<void>();
    if (equal_ignoring_case(line, "[Peer]")) {
      section_ = Section::peer;
      config_.peers.emplace_back();
      return {};
    }
    if (line.find('=') == std::string_view::npos) return refuse("expected [Interface], [Peer] or Key = value");
    const std::string key(trim(take_until(line, '=')));
    const std::string_view value = trim(line);
    if (section_ == Section::none) return refuse(key + " stands before any section");
    const auto result = section_ == Section::interface ? set_interface(config_, key, value)
                                                       : set_peer(config_.peers.back(), key, value);
    // Values are not repeated: one may be a key.
    if (result == Outcome::unknown_key) return refuse("the key " + key + " is not known in this section; remove it");
    if (result == Outcome::bad_value) return refuse("the value of " + key + " is not valid; see wg(8)");
    return {};
  }
  std::unexpected<Error> refuse(const std::string& what) const {
    return fail(ErrorCode::usage, std::string(file_) + ":" + std::to_string(line_) + ": " + what);
  }

  enum class Section { none, interface, peer };
  std::string_view file_;
  int line_ = 0;
  Section section_ = Section::none;
  StaticTunnelConfig config_;
};

}  // namespace

Result<StaticTunnelConfig> parse_config(std::string_view text, std::string_view file) {
  return Parser(file).parse(text);
}

}  // namespace weft::tunnel

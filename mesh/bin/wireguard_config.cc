// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/wireguard_config.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace weft::bin {
namespace {

using tunnel::StaticPeer;
using tunnel::StaticTunnelConfig;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool parse_number(std::string_view text, std::uint16_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

template <typename Key>
bool parse_key(std::string_view text, Key& into) {
  const auto key = Key::from_base64(text);
  if (key) into = *key;
  return key.has_value();
}

bool parse_prefixes(std::string_view text, bool keep_host_bits, std::vector<Prefix>& into) {
  while (true) {
    const auto comma = text.find(',');
    const auto item = trim(text.substr(0, comma));
    auto prefix = Prefix::parse(item);
    if (!prefix) return false;
    if (keep_host_bits) prefix->address = *IpAddress::parse(item.substr(0, item.find('/')));
    into.push_back(*prefix);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

/// Reads line after line into the configuration.
class ConfigReader {
 public:
  /// Empty if the line is fine, otherwise what is wrong with it.
  std::string read(std::string_view line) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) return {};
    if (line.front() == '[') return open_section(lower(line));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return "is neither a section nor `Key = value`";
    const auto key = lower(trim(line.substr(0, equals)));
    const auto value = trim(line.substr(equals + 1));
    if (section_ == Section::none) return "comes before [Interface]";
    const auto outcome = section_ == Section::interface ? set_interface(key, value) : set_peer(key, value);
    if (outcome == Outcome::unknown) return "unknown key \"" + key + "\"";
    return outcome == Outcome::bad ? "the value of \"" + key + "\" is not valid" : "";
  }

  std::string finish(StaticTunnelConfig& into) {
    if (!has_key_) return "has no PrivateKey in [Interface]";
    if (std::ranges::any_of(config_.peers, [](const StaticPeer& peer) { return peer.public_key.is_zero(); })) {
      return "has a [Peer] without PublicKey";
    }
    config_.listen = {{IpAddress::any(IpFamily::v4), port_}, {IpAddress::any(IpFamily::v6), port_}};
    into = std::move(config_);
    return {};
  }

 private:
  enum class Section { none, interface, peer };
  enum class Outcome { fine, bad, unknown };

  static Outcome outcome(bool fine) { return fine ? Outcome::fine : Outcome::bad; }

  std::string open_section(const std::string& name) {
    if (name == "[interface]") {
      section_ = Section::interface;
    } else if (name == "[peer]") {
      section_ = Section::peer;
      config_.peers.emplace_back();
    } else {
      return "unknown section " + name;
    }
    return {};
  }

  Outcome set_interface(const std::string& key, std::string_view value) {
    if (key == "privatekey") return outcome(has_key_ = parse_key(value, config_.private_key));
    if (key == "listenport") return outcome(parse_number(value, port_));
    if (key == "address") return outcome(parse_prefixes(value, true, config_.tun.addresses));
    if (key == "mtu") return outcome(parse_number(value, config_.tun.mtu));
    return Outcome::unknown;
  }

  Outcome set_peer(const std::string& key, std::string_view value) {
    StaticPeer& peer = config_.peers.back();
    if (key == "publickey") return outcome(parse_key(value, peer.public_key));
    if (key == "presharedkey") return outcome(parse_key(value, peer.preshared_key));
    if (key == "allowedips") return outcome(parse_prefixes(value, false, peer.allowed_ips));
    if (key == "endpoint") return outcome((peer.endpoint = Endpoint::parse(value)).has_value());
    if (key == "persistentkeepalive") return set_keepalive(peer, value);
    return Outcome::unknown;
  }

  static Outcome set_keepalive(StaticPeer& peer, std::string_view value) {
    std::uint16_t seconds = 0;
    if (value != "off" && !parse_number(value, seconds)) return Outcome::bad;
    peer.persistent_keepalive = std::chrono::seconds(seconds);
    return Outcome::fine;
  }

  StaticTunnelConfig config_;
  Section section_ = Section::none;
  bool has_key_ = false;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<StaticTunnelConfig> parse_wireguard_config(std::string_view text, const std::string& file) {
  ConfigReader reader;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto problem = reader.read(text.substr(0, end)); !problem.empty()) {
      return fail(ErrorCode::usage, file + ":" + std::to_string(number) + ": " + problem);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  StaticTunnelConfig config;
  if (const auto problem = reader.finish(config); !problem.empty()) return fail(ErrorCode::usage, file + " " + problem);
  return config;
}

}  // namespace weft::bin

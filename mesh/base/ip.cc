// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "mesh/base/assert.h"

namespace weft {
namespace {

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool same_prefix(ByteView a, ByteView b, int length) {
  const auto whole = static_cast<std::size_t>(length / 8);
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const int rest = length % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool in(const IpAddress& address, std::string_view prefix) { return Prefix::parse(prefix)->contains(address); }

std::size_t mix(std::size_t state, std::uint64_t word) {
  state ^= word;
  state *= 0x9E3779B97F4A7C15;
  return state ^ (state >> 32);
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(ByteView bytes) {
  IpAddress address;
  if (bytes.size() == 16) {
    address.family_ = IpFamily::v6;
  } else if (bytes.size() != 4) {
    return std::nullopt;
  }
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
  address.family_ = IpFamily::v6;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

std::uint32_t IpAddress::v4_host_order() const {
  WEFT_ASSERT(is_v4());
  return load_u32be(bytes_.data());
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; });
}
bool IpAddress::is_loopback() const { return is_v4() ? bytes_[0] == 127 : *this == loopback(IpFamily::v6); }
bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xFE && (bytes_[1] & 0xC0) == 0x80;
}
bool IpAddress::is_multicast() const { return is_v4() ? bytes_[0] >= 224 && bytes_[0] < 240 : bytes_[0] == 0xFF; }

bool IpAddress::is_private() const {
  if (is_link_local()) return true;
  if (is_v6()) return (bytes_[0] & 0xFE) == 0xFC;
  return in(*this, "10.0.0.0/8") || in(*this, "172.16.0.0/12") || in(*this, "192.168.0.0/16") ||
         in(*this, "100.64.0.0/10");
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!address || !port || address->is_v6() != bracketed) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return host(*address);
  const auto length = parse_number<int>(text.substr(slash + 1));
  if (!length || *length < 0 || *length > address->bit_length()) return std::nullopt;
  return Prefix{*address, *length}.masked();
}

Prefix Prefix::masked() const {
  Bytes bytes = to_bytes(address.bytes());
  for (int bit = length; bit < address.bit_length(); ++bit)
    bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80 >> (bit % 8)));
  return {*IpAddress::from_bytes(bytes), length};
}

bool Prefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && same_prefix(address.bytes(), other.bytes(), length);
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

}  // namespace weft

std::size_t std::hash<weft::IpAddress>::operator()(const weft::IpAddress& address) const noexcept {
  std::size_t state = static_cast<std::size_t>(address.family());
  const auto bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); i += 4) state = weft::mix(state, weft::load_u32be(bytes.data() + i));
  return state;
}

std::size_t std::hash<weft::Endpoint>::operator()(const weft::Endpoint& endpoint) const noexcept {
  return weft::mix(std::hash<weft::IpAddress>{}(endpoint.address), endpoint.port);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/icmp_echo.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "mesh/base/bytes.h"
#include "mesh/base/internet_checksum.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"

namespace weft::bin {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kEchoSize = 64;
constexpr std::uint16_t kSequence = 1;

/// A socket that the kernel fills in the identifier of, or a raw one. `raw` says which.
Result<host::FileDescriptor> open_socket(bool v4, bool& raw) {
  const int family = v4 ? AF_INET : AF_INET6;
  const int protocol = v4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
  for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
    raw = type == SOCK_RAW;
    host::FileDescriptor fd(::socket(family, type | SOCK_CLOEXEC, protocol));
    if (fd.valid()) return fd;
  }
  return fail(ErrorCode::refused,
              "no right to send ICMP: run as root, or let net.ipv4.ping_group_range name your group");
}

std::array<std::uint8_t, kEchoSize> request(bool v4, std::uint16_t identifier) {
  std::array<std::uint8_t, kEchoSize> message{};
  message[0] = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  store_u16be(&message[4], identifier);
  store_u16be(&message[6], kSequence);
  if (v4) store_u16be(&message[2], static_cast<std::uint16_t>(~ones_sum(message)));  // the kernel does ICMPv6's
  return message;
}

/// Whether `bytes`, as the socket gives them, are the answer to our request. A raw IPv4 socket gives the IP header too.
bool is_answer(ByteView bytes, bool v4, bool raw, std::uint16_t identifier) {
  if (v4 && raw) bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), bytes.empty() ? 0 : (bytes[0] & 0xFu) * 4u));
  if (bytes.size() < 8 || bytes[0] != (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)) return false;
  return load_u16be(&bytes[6]) == kSequence && (!raw || load_u16be(&bytes[4]) == identifier);
}

}  // namespace

Result<Duration> icmp_echo(const IpAddress& to, Duration limit) {
  const bool v4 = to.is_v4();
  bool raw = false;
  auto fd = open_socket(v4, raw);
  if (!fd) return std::unexpected(fd.error());
  const auto identifier = static_cast<std::uint16_t>(::getpid());
  const auto address = host::to_socket_address({to, 0});
  const auto message = request(v4, identifier);
  if (::connect(fd->get(), address.get(), address.length) != 0)
    return host::fail_errno(ErrorCode::unreachable, "ICMP to " + to.to_string(), errno);
  const auto sent = SteadyClock::now();
  if (::send(fd->get(), message.data(), message.size(), 0) < 0)
    return host::fail_errno(ErrorCode::unreachable, "ICMP to " + to.to_string(), errno);
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(sent + limit - SteadyClock::now()).count();
    pollfd wait{.fd = fd->get(), .events = POLLIN, .revents = 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0)
      return fail(ErrorCode::timeout, "no ICMP answer from " + to.to_string());
    std::array<std::uint8_t, 1500> buffer;
    const auto length = ::recv(fd->get(), buffer.data(), buffer.size(), 0);
    const Duration took = SteadyClock::now() - sent;
    if (length > 0 && is_answer({buffer.data(), static_cast<std::size_t>(length)}, v4, raw, identifier)) return took;
  }
}

}  // namespace weft::bin

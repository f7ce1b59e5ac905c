// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <ctime>

#include "mesh/base/assert.h"
#include "mesh/base/bytes.h"
#include "mesh/base/internet_checksum.h"
#include "mesh/base/packet.h"
#include "mesh/host/socket_address.h"
#include "tests/bench/io_forwarders.h"

namespace weft::bench {
namespace {

constexpr std::size_t kLength = 1372, kSegments = 45, kSupers = 8, kSingles = 128, kEchoes = 128;
constexpr int kSocketBuffer = 8 * 1024 * 1024;

host::FileDescriptor open_loopback() {
  const auto address = host::to_socket_address({IpAddress::v4(127, 0, 0, 1), 0});
  host::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  WEFT_ASSERT(fd.valid() && ::bind(fd.get(), address.get(), address.length) == 0);
  host::set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer);
  return fd;
}

void send_to(int fd, const Endpoint& to, ByteView content) {
  const auto address = host::to_socket_address(to);
  const auto sent = ::sendto(fd, content.data(), content.size(), 0, address.get(), address.length);
  WEFT_ASSERT(sent == static_cast<ssize_t>(content.size()));
}

}  // namespace

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

UdpLoad::UdpLoad(bool gso) : sender_(open_loopback()), sink_(open_loopback()), gso_(gso) {
  if (gso) host::set_option(sender_.get(), IPPROTO_UDP, UDP_SEGMENT, static_cast<int>(kLength));
  host::set_option(sink_.get(), IPPROTO_UDP, UDP_GRO, 1);
  // A datagram that waits for long, while another process has the processor, is marked and not dropped.
  host::set_option(sender_.get(), IPPROTO_IP, IP_TOS, static_cast<int>(Ecn::ect0));
}

Endpoint UdpLoad::sink() const { return host::bound_endpoint(sink_.get()); }

std::size_t UdpLoad::send(const Endpoint& to) {
  const Bytes content(gso_ ? kSegments * kLength : kLength, 'w');
  const std::size_t calls = gso_ ? kSupers : kSingles;
  for (std::size_t i = 0; i < calls; ++i) send_to(sender_.get(), to, content);
  return gso_ ? kSupers * kSegments : kSingles;
}

void UdpLoad::drain() {
  std::uint8_t nothing;
  while (::recv(sink_.get(), &nothing, 1, MSG_TRUNC) > 0) {
  }
}

EchoLoad::EchoLoad() : raw_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)) {}

std::size_t EchoLoad::send(const Endpoint& to) {
  Bytes request(1380);
  request[0] = 8;  // echo request
  store_u16be(&request[2], static_cast<std::uint16_t>(~ones_sum(request)));
  for (std::size_t i = 0; i < kEchoes; ++i) send_to(raw_.get(), {to.address, 0}, request);
  return kEchoes;
}

}  // namespace weft::bench

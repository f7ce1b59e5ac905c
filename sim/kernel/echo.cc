// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/echo.h"

#include <linux/icmp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "sim/fabric/headers.h"
#include "sim/kernel/clock.h"
#include "sim/traffic/canary.h"

namespace weft::kernel {
namespace {

constexpr std::uint8_t kEchoReply = 0, kEchoRequest = 8;

Bytes echo_request(std::uint64_t flow, std::uint64_t number, std::size_t size) {
  const Bytes payload = traffic::make_payload(flow, number, size);
  Bytes message(fabric::kIcmpHeader + payload.size());
  message[0] = kEchoRequest;
  store_u16be(&message[4], static_cast<std::uint16_t>(flow));
  store_u16be(&message[6], static_cast<std::uint16_t>(number));
  std::ranges::copy(payload, message.begin() + fabric::kIcmpHeader);
  store_u16be(&message[2], fabric::internet_checksum(message));
  return message;
}

/// The kernel's time stamp of a message, or now.
Time stamp_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(part), sizeof at);
    return from_real(std::chrono::seconds(at.tv_sec) + Duration(at.tv_nsec));
  }
  return now();
}

}  // namespace

Result<std::unique_ptr<EchoSocket>> EchoSocket::open(host::AsioLoop& loop, const NetNamespace& space) {
  const Inside inside(space);
  host::FileDescriptor fd(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
  icmp_filter filter{.data = ~(1u << kEchoReply | 1u << kEchoRequest)};
  if (!fd.valid() || !host::set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1) ||
      ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter) != 0) {
    return host::fail_errno(ErrorCode::io, "cannot open an ICMP socket in a network namespace", errno);
  }
  return std::unique_ptr<EchoSocket>(new EchoSocket(loop, std::move(fd)));
}

EchoSocket::EchoSocket(host::AsioLoop& loop, host::FileDescriptor fd) : readiness_(loop, std::move(fd)) { wait(); }

void EchoSocket::wait() {
  readiness_.wait_readable([this] {
    receive();
    wait();
  });
}

void EchoSocket::receive() {
  std::array<std::uint8_t, 2048> packet;
  alignas(cmsghdr) std::array<char, 256> control;
  while (true) {
    iovec part{.iov_base = packet.data(), .iov_len = packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(readiness_.fd(), &message, MSG_DONTWAIT);
    if (length < 0) return;
    const auto ip = fabric::parse_ip(ByteView(packet).first(static_cast<std::size_t>(length)));
    if (!ip || ip->payload.size() < fabric::kIcmpHeader) continue;
    const auto payload = traffic::parse_payload(ip->payload.subspan(fabric::kIcmpHeader));
    if (payload && on_arrival)
      on_arrival({ip->payload[0] == kEchoRequest, payload->flow, payload->number, stamp_of(message)});
  }
}

Time EchoSocket::send(const IpAddress& destination, std::uint64_t flow, std::uint64_t number, std::size_t payload) {
  const Bytes message = echo_request(flow, number, payload);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(destination.v4_host_order());
  const Time at = now();
  // A host without a route loses the packet, as one whose tunnel does.
  ::sendto(readiness_.fd(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return at;
}

EchoRun::EchoRun(io::Host& host, EchoSocket& socket, const EchoPlan& plan) : socket_(socket), plan_(plan) {
  timer_ = host.make_timer([this] { send_next(); });
  timer_->arm(plan_.start);
}

EchoRun::~EchoRun() = default;

void EchoRun::send_next() {
  if (samples_.size() >= plan_.count || !plan_.alive()) return;
  samples_.push_back({.sent = socket_.send(plan_.destination, plan_.flow, samples_.size(), plan_.payload),
                      .arrived = {},
                      .answered = {}});
  timer_->arm(plan_.start + static_cast<std::int64_t>(samples_.size()) * plan_.interval);
}

void EchoRun::note(const EchoSocket::Arrival& arrival) {
  if (arrival.flow != plan_.flow || arrival.number >= samples_.size()) return;
  sim::PingSample& sample = samples_[arrival.number];
  std::optional<Time>& time = arrival.request ? sample.arrived : sample.answered;
  if (!time) time = arrival.at;
}

}  // namespace weft::kernel

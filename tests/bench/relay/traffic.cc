// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/relay/traffic.h"

#include <netinet/udp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "mesh/host/socket_address.h"

namespace weft::load {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxPayload = 65'507;
constexpr std::chrono::milliseconds kLastOnes{300};

/// What arrives, read with UDP_GRO so that the counting costs little.
class Receiver {
 public:
  explicit Receiver(int fd) : fd_(fd), thread_([this] { run(); }) {}
  std::uint64_t finish() {
    ::poll(nullptr, 0, static_cast<int>(kLastOnes.count()));
    stop_ = true;
    thread_.join();
    return count_;
  }

 private:
  void run() {
    const auto buffer = std::make_unique<std::array<std::uint8_t, 65'536>>();
    alignas(cmsghdr) std::array<std::uint8_t, 64> control;
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    while (!stop_) {
      if (::poll(&waiting, 1, 50) <= 0) continue;
      iovec vector{.iov_base = buffer->data(), .iov_len = buffer->size()};
      msghdr message{};
      message.msg_iov = &vector;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t got = ::recvmsg(fd_, &message, MSG_DONTWAIT);
      if (got <= 0) continue;
      int segment = static_cast<int>(got);
      for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO) {
          std::memcpy(&segment, CMSG_DATA(header), sizeof segment);
        }
      }
      count_ += static_cast<std::uint64_t>((got + segment - 1) / segment);
    }
  }

  int fd_;
  std::atomic<bool> stop_ = false;
  std::uint64_t count_ = 0;
  std::thread thread_;
};

/// `count` datagrams one behind the other.
Bytes content(const RelayedWay& way, std::size_t length, std::size_t count) {
  Bytes one = way.header;
  one.resize(way.header.size() + length, 'w');
  if (way.length_field != 0) store_u16be(&one[2], static_cast<std::uint16_t>(length));
  Bytes all;
  for (std::size_t i = 0; i < count; ++i) all.insert(all.end(), one.begin(), one.end());
  return all;
}

void await_turn(Clock::time_point when) {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const timespec at{.tv_sec = seconds.count(),
                    .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

Result<TrafficCounts> run_traffic(const RelayedWay& way, const TrafficOptions& options) {
  const std::size_t length = way.header.size() + options.length;
  const bool gso = options.pattern == Pattern::gso;
  const std::size_t together = gso ? kMaxPayload / length : options.pattern == Pattern::burst ? kBurst : 1;
  if (!host::set_option(way.in.get(), IPPROTO_UDP, UDP_SEGMENT, gso ? static_cast<int>(length) : 0)) {
    return fail(ErrorCode::io, "this kernel has no UDP_SEGMENT");
  }
  const Bytes all = content(way, options.length, together);
  ::prctl(PR_SET_TIMERSLACK, 1000);
  Receiver receiver(way.out.get());
  TrafficCounts counts;
  const auto step = std::chrono::nanoseconds(options.rate == 0 ? 0 : 1'000'000'000ull * together / options.rate);
  const auto began = Clock::now();
  auto next = began;
  while (Clock::now() < began + options.span) {
    if (options.rate != 0) await_turn(next += step);
    if (gso) {
      if (::send(way.in.get(), all.data(), all.size(), 0) > 0) counts.sent += together;
      continue;
    }
    for (std::size_t at = 0; at < all.size(); at += length) {
      if (::send(way.in.get(), &all[at], length, 0) > 0) ++counts.sent;
    }
  }
  counts.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  counts.received = receiver.finish();
  return counts;
}

}  // namespace weft::load

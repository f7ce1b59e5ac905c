// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "mesh/base/bytes.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"
#include "tests/bench/load/udp_load.h"

namespace weft::load {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMessages = 16, kMessageSize = 65'536;
constexpr int kSocketBuffer = 8 * 1024 * 1024;

/// The buffers of one recvmmsg call.
struct Batch {
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, 64> bytes;
  };
  std::array<std::array<std::uint8_t, kMessageSize>, kMessages> content;
  std::array<Control, kMessages> controls;
  std::array<iovec, kMessages> vectors;
  std::array<mmsghdr, kMessages> headers{};

  int read(int fd) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      vectors[i] = {.iov_base = content[i].data(), .iov_len = kMessageSize};
      headers[i].msg_hdr = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_control = controls[i].bytes.data();
      headers[i].msg_hdr.msg_controllen = controls[i].bytes.size();
    }
    return ::recvmmsg(fd, headers.data(), kMessages, MSG_DONTWAIT, nullptr);
  }
  /// Length of the datagrams in message `i`, of which the last may be shorter.
  std::size_t segment(std::size_t i) {
    msghdr& message = headers[i].msg_hdr;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_GRO) continue;
      int size = 0;
      std::memcpy(&size, CMSG_DATA(header), sizeof size);
      return static_cast<std::size_t>(size);
    }
    return headers[i].msg_len;
  }
};

class Counter {
 public:
  void add(ByteView message, std::size_t segment) {
    received.bytes += message.size();
    for (; !message.empty(); message = message.subspan(std::min(segment, message.size()))) {
      ++received.datagrams;
      if (message.size() < kSequenceSize) continue;
      const std::uint64_t number = load_u64le(message.data());
      if (number < next_) ++received.out_of_order;
      next_ = std::max(next_, number + 1);
    }
  }
  Received received;

 private:
  std::uint64_t next_ = 0;
};

Result<host::FileDescriptor> open(const Endpoint& local) {
  const auto address = host::to_socket_address(local);
  host::FileDescriptor fd(::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::bind(fd.get(), address.get(), address.length) != 0) {
    return host::fail_errno(ErrorCode::io, "UDP " + local.to_string(), errno);
  }
  host::set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer);
  host::set_option(fd.get(), IPPROTO_UDP, UDP_GRO, 1);
  return fd;
}

}  // namespace

Result<Received> receive_udp(const ReceiveOptions& options) {
  auto fd = open(options.local);
  if (!fd) return std::unexpected(fd.error());
  const auto batch = std::make_unique<Batch>();
  Counter counter;
  Clock::time_point first, last;
  pollfd waiting{.fd = fd->get(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, static_cast<int>((counter.received.datagrams ? options.silence : options.first).count())) >
         0) {
    const int count = batch->read(fd->get());
    last = Clock::now();
    if (counter.received.datagrams == 0) first = last;
    for (std::size_t i = 0; static_cast<int>(i) < count; ++i) {
      counter.add(ByteView(batch->content[i]).first(batch->headers[i].msg_len), batch->segment(i));
    }
  }
  counter.received.seconds = std::chrono::duration<double>(last - first).count();
  return counter.received;
}

}  // namespace weft::load

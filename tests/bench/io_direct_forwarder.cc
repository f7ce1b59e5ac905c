// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <net/if.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "mesh/base/assert.h"
#include "mesh/base/packet.h"
#include "mesh/host/ancillary_data.h"
#include "mesh/host/patience.h"
#include "mesh/host/socket_address.h"
#include "mesh/host/tun_offload.h"
#include "tests/bench/io_forwarders.h"

namespace weft::bench {
namespace {

constexpr std::size_t kMessages = 32, kBuffer = 65'536, kMaxSegments = 45, kPacketSpace = 1536;
constexpr int kSocketBuffer = 1024 * 1024;

host::FileDescriptor open_socket() {
  const auto address = host::to_socket_address({IpAddress::v4(127, 0, 0, 1), 0});
  host::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  WEFT_ASSERT(fd.valid() && ::bind(fd.get(), address.get(), address.length) == 0);
  host::set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer);
  host::set_option(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer);
  host::enable_ancillary_data(fd.get(), IpAddress::loopback(IpFamily::v4), false);
  return fd;
}

/// The headers of one sendmmsg call: runs of equal length leave as one message each.
class Outgoing {
 public:
  explicit Outgoing(const Endpoint& to) : fd_(open_socket()), to_(host::to_socket_address(to)) {}

  /// A super-datagram.
  void add_run(std::uint8_t* data, std::size_t length, std::uint16_t segment) {
    vectors_[vector_count_] = {.iov_base = data, .iov_len = length};
    add_message(1, segment);
  }
  /// Equal datagrams.
  void add_equal(std::span<const iovec> datagrams) {
    const auto segment = static_cast<std::uint16_t>(datagrams.size() > 1 ? datagrams[0].iov_len : 0);
    std::memcpy(&vectors_[vector_count_], datagrams.data(), datagrams.size_bytes());
    add_message(datagrams.size(), segment);
  }
  void send() {
    const int sent = ::sendmmsg(fd_.get(), headers_.data(), static_cast<unsigned>(count_), 0);
    WEFT_ASSERT(sent == static_cast<int>(count_));
    count_ = vector_count_ = 0;
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };

  void add_message(std::size_t vectors, std::uint16_t segment) {
    msghdr& message = headers_[count_].msg_hdr;
    message = {.msg_name = &to_.storage,
               .msg_namelen = to_.length,
               .msg_iov = &vectors_[vector_count_],
               .msg_iovlen = vectors};
    if (segment != 0) {
      auto* const header = reinterpret_cast<cmsghdr*>(controls_[count_].bytes.data());
      *header = {.cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
      std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
      message.msg_control = header;
      message.msg_controllen = sizeof(Control);
    }
    vector_count_ += vectors;
    ++count_;
  }

  host::FileDescriptor fd_;
  host::SocketAddress to_;
  std::array<mmsghdr, kMaxBatch> headers_{};
  std::array<iovec, kMaxBatch> vectors_{};
  std::array<Control, kMaxBatch> controls_{};
  std::size_t count_ = 0, vector_count_ = 0;
};

/// Waits on one descriptor.
class Readable {
 public:
  explicit Readable(int fd) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    WEFT_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  }
  void wait() const {
    epoll_event event{};
    ::epoll_wait(epoll_.get(), &event, 1, 1000);
  }
  /// As long as host::PacketPoll does behind a burst, before it would sleep.
  void look_on() const {
    const auto end = std::chrono::steady_clock::now() + host::Patience::kLeast;
    epoll_event event{};
    while (::epoll_wait(epoll_.get(), &event, 1, 0) == 0 && std::chrono::steady_clock::now() < end) {
    }
  }

 private:
  host::FileDescriptor epoll_;
};

class UdpForwarder final : public Forwarder {
 public:
  explicit UdpForwarder(const Endpoint& to)
      : in_(open_socket()), readable_(in_.get()), out_(to), content_(kMessages * kBuffer) {}
  Endpoint local() const override { return host::bound_endpoint(in_.get()); }

  void forward(std::size_t count) override {
    for (std::size_t done = 0; done < count;) {
      readable_.wait();
      for (int read = kMessages; read == kMessages;) {
        read = receive();
        if (read > 0) done += pass_on(static_cast<std::size_t>(read));
      }
    }
    readable_.look_on();
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, 256> bytes;
  };

  int receive() {
    for (std::size_t i = 0; i < kMessages; ++i) {
      vectors_[i] = {.iov_base = &content_[i * kBuffer], .iov_len = kBuffer};
      headers_[i].msg_hdr = {.msg_name = &names_[i],
                             .msg_namelen = sizeof names_[i],
                             .msg_iov = &vectors_[i],
                             .msg_iovlen = 1,
                             .msg_control = controls_[i].bytes.data(),
                             .msg_controllen = sizeof(Control)};
    }
    return ::recvmmsg(in_.get(), headers_.data(), kMessages, 0, nullptr);
  }
  std::uint16_t segment(msghdr& message) const {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      int size = 0;
      if (header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_GRO) continue;
      std::memcpy(&size, CMSG_DATA(header), sizeof size);
      return static_cast<std::uint16_t>(size);
    }
    return 0;
  }
  std::size_t pass_on(std::size_t count) {
    std::size_t datagrams = 0;
    std::size_t first = 0;  // of a run of single datagrams of one length
    for (std::size_t i = 0; i < count; ++i) {
      vectors_[i].iov_len = headers_[i].msg_len;
      const std::uint16_t size = segment(headers_[i].msg_hdr);
      if (size == 0 && vectors_[i].iov_len == vectors_[first].iov_len && i - first < kMaxSegments) {
        ++datagrams;
        continue;
      }
      if (i > first) out_.add_equal(std::span(vectors_).subspan(first, i - first));
      first = i;
      if (size != 0) {
        out_.add_run(&content_[i * kBuffer], headers_[i].msg_len, size);
        first = i + 1;
      }
      datagrams += size == 0 ? 1 : (headers_[i].msg_len + size - 1) / size;
    }
    if (count > first) out_.add_equal(std::span(vectors_).subspan(first, count - first));
    out_.send();
    return datagrams;
  }

  host::FileDescriptor in_;
  Readable readable_;
  Outgoing out_;
  std::vector<std::uint8_t> content_;
  std::array<mmsghdr, kMessages> headers_{};
  std::array<iovec, kMessages> vectors_{};
  std::array<sockaddr_storage, kMessages> names_{};
  std::array<Control, kMessages> controls_{};
};

host::FileDescriptor open_tun() {
  host::FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  char name[IFNAMSIZ] = "bench1";
  WEFT_ASSERT(fd.valid() && host::attach_tun(fd.get(), name, IFF_TUN | IFF_NO_PI).has_value());
  const int done = std::system(
      "ip link set bench1 mtu 1420 up && ip addr add 10.2.0.1/32 dev bench1 && ip route add 10.2.0.0/24 dev bench1");
  WEFT_ASSERT(done == 0);
  return fd;
}

class TunForwarder final : public Forwarder {
 public:
  explicit TunForwarder(const Endpoint& to)
      : in_(open_tun()), readable_(in_.get()), out_(to), content_(kMessages * kPacketSpace) {}
  Endpoint local() const override { return {IpAddress::v4(10, 2, 0, 2), 0}; }

  void forward(std::size_t count) override {
    for (std::size_t done = 0; done < count;) {
      readable_.wait();
      for (bool more = true; more;) {
        std::size_t packets = 0;
        while (packets < kMessages && (more = read_into(packets))) ++packets;
        if (packets > 0) out_.add_equal(std::span(vectors_).first(packets));
        if (packets > 0) out_.send();
        done += packets;
      }
    }
    readable_.look_on();
  }

 private:
  bool read_into(std::size_t at) {
    std::uint8_t* const packet = &content_[at * kPacketSpace];
    const auto length = ::read(in_.get(), packet, kPacketSpace);
    if (length <= 0) return false;
    vectors_[at] = {.iov_base = packet + host::kVnetHeaderSize,
                    .iov_len = static_cast<std::size_t>(length) - host::kVnetHeaderSize};
    return true;
  }

  host::FileDescriptor in_;
  Readable readable_;
  Outgoing out_;
  std::vector<std::uint8_t> content_;
  std::array<iovec, kMessages> vectors_{};
};

}  // namespace

std::unique_ptr<Forwarder> make_udp_direct_forwarder(const Endpoint& to) { return std::make_unique<UdpForwarder>(to); }
std::unique_ptr<Forwarder> make_tun_direct_forwarder(const Endpoint& to) { return std::make_unique<TunForwarder>(to); }

}  // namespace weft::bench

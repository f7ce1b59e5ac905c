// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/packet_port.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "mesh/host/file_descriptor.h"

namespace weft::gateway {
namespace {

constexpr std::size_t kBatch = 64;
constexpr int kBatchesPerTurn = 8;  // before timers and the other side get their turn
constexpr std::size_t kFrameRoom = kIpAt + 65535 + 8;
constexpr int kBufferBytes = 16 << 20;
#ifndef PACKET_IGNORE_OUTGOING
constexpr int PACKET_IGNORE_OUTGOING = 23;
#endif

Result<host::FileDescriptor> open_socket(const std::string& interface) {
  host::FileDescriptor fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.valid()) return fd;
  if (errno == EPERM) {
    return fail(ErrorCode::refused, "no permission to open " + interface + ": run as root or with CAP_NET_RAW");
  }
  return host::fail_errno(ErrorCode::io, "cannot open a packet socket for " + interface, errno);
}

Result<void> attach(int fd, const std::string& interface, int index) {
  using host::set_option;
  if (!set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1) || !set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)) {
    return host::fail_errno(ErrorCode::io, interface + ": the kernel lacks PACKET_VNET_HDR or PACKET_IGNORE_OUTGOING",
                            errno);
  }
  set_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);  // the delay line is ours
  for (const auto& [force, plain] : {std::pair(SO_RCVBUFFORCE, SO_RCVBUF), std::pair(SO_SNDBUFFORCE, SO_SNDBUF)}) {
    if (!set_option(fd, SOL_SOCKET, force, kBufferBytes)) set_option(fd, SOL_SOCKET, plain, kBufferBytes);
  }
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = index;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  ::setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = index;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return host::fail_errno(ErrorCode::io, "cannot bind to " + interface, errno);
  }
  return {};
}

/// Anonymous memory that takes pages only where frames are long.
class FrameBuffers {
 public:
  FrameBuffers()
      : memory_(static_cast<std::uint8_t*>(::mmap(nullptr, kBatch * kFrameRoom, PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  ~FrameBuffers() { ::munmap(memory_, kBatch * kFrameRoom); }
  FrameBuffers(const FrameBuffers&) = delete;
  FrameBuffers& operator=(const FrameBuffers&) = delete;
  std::uint8_t* at(std::size_t index) { return memory_ + index * kFrameRoom; }

 private:
  std::uint8_t* memory_;
};

}  // namespace

struct PacketPort::State {
  State(host::AsioLoop& loop, host::FileDescriptor fd, std::string given)
      : readiness(loop, std::move(fd)), name(std::move(given)) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {.iov_base = buffers.at(i), .iov_len = kFrameRoom};
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }

  void wait() {
    readiness.wait_readable([this] { receive(); });
  }

  void receive() {
    for (int turn = 0; turn < kBatchesPerTurn; ++turn) {
      const int count = ::recvmmsg(readiness.fd(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (count <= 0) break;
      for (int i = 0; i < count; ++i) {
        const std::size_t length = messages[static_cast<std::size_t>(i)].msg_len;
        if (length <= kIpAt || length > kFrameRoom) continue;
        ++counters.received;
        on_frame({buffers.at(static_cast<std::size_t>(i)), length});
      }
      on_batch_end();
      if (count < static_cast<int>(kBatch)) break;
    }
    wait();
  }

  void flush() {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::size_t count = std::min(kBatch, out.size() - done);
      std::array<mmsghdr, kBatch> batch{};
      for (std::size_t i = 0; i < count; ++i) {
        batch[i].msg_hdr.msg_iov = &out[done + i];
        batch[i].msg_hdr.msg_iovlen = 1;
      }
      const int sent = ::sendmmsg(readiness.fd(), batch.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
      if (sent > 0) {
        counters.sent += static_cast<std::uint64_t>(sent);
        done += static_cast<std::size_t>(sent);
      } else if (errno != EINTR) {  // the first one is lost, as a full interface loses it
        ++counters.not_sent;
        ++done;
      }
    }
    out.clear();
    owned.clear();
  }

  host::Readiness readiness;
  std::string name;
  int index = 0;
  Mac mac{};
  PortCounters counters;
  Handler on_frame;
  std::function<void()> on_batch_end;
  FrameBuffers buffers;
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
  std::vector<iovec> out;
  std::deque<Bytes> owned;
};

PacketPort::PacketPort(std::unique_ptr<State> state) : state_(std::move(state)) {}
PacketPort::~PacketPort() = default;

Result<std::unique_ptr<PacketPort>> PacketPort::open(host::AsioLoop& loop, const std::string& interface) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) {
    return fail(ErrorCode::usage, "'" + interface + "' is no interface name; `ip link` lists those of this namespace");
  }
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  auto fd = open_socket(interface);
  if (!fd) return std::unexpected(fd.error());
  if (::ioctl(fd->get(), SIOCGIFINDEX, &request) != 0) {
    return fail(ErrorCode::usage, "there is no interface " + interface + "; `ip link` lists those of this namespace");
  }
  const int index = request.ifr_ifindex;
  if (::ioctl(fd->get(), SIOCGIFHWADDR, &request) != 0 || request.ifr_hwaddr.sa_family != 1 /* Ethernet */) {
    return fail(ErrorCode::usage, interface + " is no Ethernet interface; give a veth or a network card");
  }
  if (auto done = attach(fd->get(), interface, index); !done) return std::unexpected(done.error());
  auto state = std::make_unique<State>(loop, std::move(*fd), interface);
  state->index = index;
  std::memcpy(state->mac.data(), request.ifr_hwaddr.sa_data, state->mac.size());
  return std::unique_ptr<PacketPort>(new PacketPort(std::move(state)));
}

void PacketPort::start(Handler on_frame, std::function<void()> on_batch_end) {
  state_->on_frame = std::move(on_frame);
  state_->on_batch_end = std::move(on_batch_end);
  state_->wait();
}

void PacketPort::send(ByteView frame) {
  state_->out.push_back({.iov_base = const_cast<std::uint8_t*>(frame.data()), .iov_len = frame.size()});
}

void PacketPort::send(Bytes&& frame) {
  state_->owned.push_back(std::move(frame));
  send(ByteView(state_->owned.back()));
}

void PacketPort::flush() { state_->flush(); }
const Mac& PacketPort::mac() const { return state_->mac; }
std::uint32_t PacketPort::index() const { return static_cast<std::uint32_t>(state_->index); }
const std::string& PacketPort::name() const { return state_->name; }

/// Asked each time: an interface's MTU may change.
std::uint32_t PacketPort::mtu() const {
  ifreq request{};
  std::memcpy(request.ifr_name, state_->name.data(), state_->name.size());
  return ::ioctl(state_->readiness.fd(), SIOCGIFMTU, &request) == 0 ? static_cast<std::uint32_t>(request.ifr_mtu)
                                                                    : 1500;
}

PortCounters PacketPort::counters() {
  tpacket_stats stats{};
  socklen_t length = sizeof stats;
  if (::getsockopt(state_->readiness.fd(), SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0) {
    state_->counters.missed += stats.tp_drops;
  }
  return state_->counters;
}

}  // namespace weft::gateway

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_udp_socket.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "mesh/host/ancillary_data.h"
#include "mesh/host/datagram_batch.h"
#include "mesh/host/default_route.h"
#include "mesh/host/socket_address.h"

namespace weft::host {
namespace {

/// Bytes a burst may queue in the kernel while this process is busy with a handshake.
constexpr int kSocketBuffer = 7 * 1024 * 1024;
/// Messages of one turn when they are runs of up to 64 KB: few, so that the other direction gets its turn soon, that
/// those behind are not handed on in one burst, and that they stay in the processor's cache.
constexpr std::size_t kRunsPerTurn = 4;
/// Datagrams from this size on are taken to be what makes a queue long.
constexpr std::uint32_t kBulk = 512;
/// Limits of one UDP_SEGMENT send (the kernel's UDP_MAX_SEGMENTS is 64, its longest payload 65,507 bytes).
constexpr std::uint32_t kMaxSegments = 63;
constexpr std::uint32_t kMaxPayload = 65507;

void size_buffers(int fd) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) set_option(fd, SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) set_option(fd, SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
}

SendError send_error_of(int error_number) {
  switch (error_number) {
    case EAGAIN:
    case ENOBUFS:
      return SendError::would_block;
    case EMSGSIZE:
      return SendError::too_big;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
      return SendError::unreachable;
    case EPERM:
    case EACCES:
      return SendError::not_permitted;
    default:
      return SendError::other;
  }
}

/// Makes the kernel choose among the sockets of a shared port as PortSharing says, by a program that it runs on each
/// datagram's content (SO_ATTACH_REUSEPORT_CBPF). Without it (an old kernel) it chooses by the sender's address.
void attach_chooser(int fd, const io::PortSharing& sharing) {
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sharing.kind, 0, 3),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, sharing.selector),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, sharing.count - 1),
      BPF_STMT(BPF_RET | BPF_A, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter);
}

/// `a == b`, in a quarter of the instructions: it is asked for each datagram.
bool same(const Endpoint& a, const Endpoint& b) {
  static_assert(std::has_unique_object_representations_v<IpAddress>);
  return a.port == b.port && std::memcmp(&a.address, &b.address, sizeof a.address) == 0;
}

/// Whether two items differ in nothing but their content and how it is cut.
bool alike(const DatagramMeta& a, const DatagramMeta& b) {
  return same(a.destination, b.destination) && same(a.source, b.source) && a.interface_index == b.interface_index &&
         a.ttl == b.ttl && a.ecn == b.ecn && a.dont_fragment == b.dont_fragment;
}

/// Points `order` at the items as they are, none of which has failed yet; returns how often the destination changes,
/// and one for the first.
std::size_t list(std::span<DatagramSlot> items, std::span<DatagramSlot*> order) {
  std::size_t changes = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    order[i] = &items[i];
    items[i].meta.send_error = SendError::none;
    if (i == 0 || !same(items[i].meta.destination, items[i - 1].meta.destination)) ++changes;
  }
  return changes;
}

/// Brings the items of each destination together, in their order, so that they can leave as runs. Destinations keep the
/// order of their first items.
void gather_destinations(std::span<DatagramSlot*> order) {
  std::array<DatagramSlot*, kMaxBatch> others;
  while (!order.empty()) {
    const Endpoint& destination = order.front()->meta.destination;
    std::size_t kept = 0, other = 0;
    for (DatagramSlot* item : order) {
      (same(item->meta.destination, destination) ? order[kept++] : others[other++]) = item;
    }
    std::copy_n(others.begin(), other, order.begin() + static_cast<std::ptrdiff_t>(kept));
    order = order.subspan(kept);
  }
}

}  // namespace

Result<std::unique_ptr<io::UdpSocket>> AsioUdpSocket::open(AsioLoop& loop, const io::UdpOptions& options) {
  const bool v4 = options.local.address.is_v4();
  const std::string what = "UDP " + options.local.to_string();
  FileDescriptor fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(ErrorCode::io, what, errno);
  if (!v4) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  size_buffers(fd.get());
  mark_underlay(fd.get());
  enable_ancillary_data(fd.get(), options.local.address, options.tell_ttl);
  if (!options.interface.empty() && ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, options.interface.data(),
                                                 static_cast<socklen_t>(options.interface.size())) != 0) {
    return fail_errno(ErrorCode::io, what + " on the interface " + options.interface, errno);
  }
  const bool shared = options.sharing.count > 1;
  if (shared && !options.sharing.first) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  const auto address = to_socket_address(options.local);
  if (::bind(fd.get(), address.get(), address.length) != 0) {
    if (errno == EADDRINUSE)
      return fail(ErrorCode::port_taken, what + " is taken by another process: choose another port");
    return fail_errno(ErrorCode::io, what, errno);
  }
  // Only now: another process that shares a port of its own must not be let in.
  if (shared && options.sharing.first) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (shared && !options.sharing.first) attach_chooser(fd.get(), options.sharing);
  return std::make_unique<AsioUdpSocket>(loop, std::move(fd));
}

AsioUdpSocket::AsioUdpSocket(AsioLoop& loop, FileDescriptor fd)
    : loop_(loop),
      source_(loop, std::move(fd)),
      local_(bound_endpoint(source_.fd())),
      ancillary_(local_),
      dont_fragment_(true) {
  set_dont_fragment(false);
}

AsioUdpSocket::~AsioUdpSocket() = default;

void AsioUdpSocket::start_receive(ReceiveHandler handler) {
  handler_ = std::make_shared<ReceiveHandler>(std::move(handler));
  source_.start([this] { return receive(); });
}

/// Errors in the kernel's queue make recvmmsg fail, or find nothing although epoll woke us: both lead to
/// receive_errors().
PacketSource::Moved AsioUdpSocket::receive() {
  auto& batch = loop_.batch();
  for (std::size_t i = 0; i < batch.used; ++i) {
    batch.incoming.prepare(i, i, loop_.arena().slot(i).data(), PacketArena::content_limit());
  }
  batch.used = 0;
  const std::size_t limit = runs_expected_ ? kRunsPerTurn : PacketArena::kBatch;
  const int count = ::recvmmsg(source_.fd(), batch.incoming.headers.data(), static_cast<unsigned>(limit), 0, nullptr);
  if (count <= 0) return receive_errors();
  batch.used = static_cast<std::size_t>(count);
  runs_expected_ = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.used; ++i) {
    const msghdr& message = batch.incoming.headers[i].msg_hdr;
    if (message.msg_flags & MSG_TRUNC) continue;
    const auto& [meta, arrival] = ancillary_.read(message);
    DatagramSlot& item = batch.received[kept] = {.slot = loop_.arena().slot(i), .meta = meta};
    item.slot.length = batch.incoming.headers[i].msg_len;
    if (item.meta.segment_size >= item.slot.length) item.meta.segment_size = 0;  // a run of one
    if (item.meta.segment_size != 0) runs_expected_ = true;
    const bool last = i + 1 == batch.used;
    if (!arrival || !signal_congestion(item, loop_.clock().wall_now() - *arrival, last)) ++kept;
  }
  const bool full = batch.used == PacketArena::kBatch && !runs_expected_;
  return {.count = std::max<std::size_t>(deliver(kept), 1), .full = full};
}

/// True if the whole item is dropped. Of a run only the first datagram is, which costs its sender no more, and
/// the others tell it at once; small datagrams never are, since they make no queue, nor is one with nothing behind it:
/// it waited for this process and not for others. A stay that is no stay comes from a clock that was set.
bool AsioUdpSocket::signal_congestion(DatagramSlot& item, Duration stay, bool last) {
  auto& [slot, meta] = item;
  const bool bulk = meta.segment_size >= kBulk || (meta.segment_size == 0 && slot.length >= kBulk);
  if (last && meta.segment_size == 0) return false;
  if (!bulk || stay > 1s || !receive_delay_.signal(loop_.clock().now(), stay)) return false;
  if (meta.ecn != Ecn::not_ect) {
    meta.ecn = Ecn::ce;
    return false;
  }
  if (meta.segment_size == 0) return true;
  slot.advance(meta.segment_size);
  if (slot.length <= meta.segment_size) meta.segment_size = 0;
  return false;
}

PacketSource::Moved AsioUdpSocket::receive_errors() {
  auto& batch = loop_.batch();
  std::size_t kept = 0;
  while (kept < PacketArena::kBatch) {
    DatagramSlot item{.slot = loop_.arena().slot(kept), .meta = {}};
    msghdr& message = batch.incoming.prepare(kept, kept, item.slot.data(), PacketArena::content_limit());
    batch.used = std::max(batch.used, kept + 1);
    if (::recvmsg(source_.fd(), &message, MSG_ERRQUEUE) < 0) break;
    item.meta.destination = local_;
    if (parse_error(message, local_, item.meta)) batch.received[kept++] = item;
  }
  deliver(kept);
  return {.count = kept, .full = false};
}

/// Returns how many datagrams it were. The handler may destroy the socket.
std::size_t AsioUdpSocket::deliver(std::size_t count) {
  if (count == 0) return 0;
  const auto handler = handler_;
  const auto items = std::span(loop_.batch().received.data(), count);
  std::size_t datagrams = 0;
  for (const auto& [slot, meta] : items) datagrams += meta.segment_size == 0 ? 1 : slot.length / meta.segment_size;
  loop_.gathering().delivered(loop_.clock().now(), count);
  (*handler)(items);
  return datagrams;
}

std::size_t AsioUdpSocket::send(std::span<DatagramSlot> items) {
  std::size_t taken = 0;
  for (auto rest = items; !rest.empty(); rest = rest.subspan(std::min(rest.size(), kMaxBatch))) {
    const auto batch = rest.first(std::min(rest.size(), kMaxBatch));
    std::array<DatagramSlot*, kMaxBatch> order;
    const std::size_t changes = list(batch, order);
    const auto listed = std::span(order).first(batch.size());
    if (changes > 2) gather_destinations(listed);
    send_in_order(listed);
    for (const auto& item : batch) taken += item.meta.send_error == SendError::none ? 1 : 0;
  }
  return taken;
}

void AsioUdpSocket::send_in_order(Items items) {
  merge_ = segmentation_offload_;
  Position next;
  while (next.item < items.size()) {
    set_dont_fragment(items[next.item]->meta.dont_fragment);
    std::array<Position, PacketArena::kBatch> starts;
    const std::size_t count = append_messages(items, next, starts);
    const std::size_t done = transmit(items, std::span(starts.data(), count));
    if (done == count) continue;
    next = starts[done];
    if (items[next.item]->meta.send_error != SendError::would_block) continue;  // from here on by other means
    for (auto* item : items.subspan(next.item)) item->meta.send_error = SendError::would_block;
    break;
  }
}

/// How many items from the first on may leave as one message that the kernel cuts (UDP_SEGMENT): alike but for their
/// content, of one length except for a shorter last one.
std::size_t AsioUdpSocket::mergeable(Items items) const {
  const auto& [slot, meta] = *items.front();
  if (!merge_ || meta.segment_size != 0 || slot.length == 0) return 1;
  std::size_t count = 1;
  for (std::uint32_t total = slot.length; count < items.size() && count < kMaxSegments; ++count) {
    const DatagramSlot& next = *items[count];
    total += next.slot.length;
    if (next.slot.length == 0 || next.slot.length > slot.length || total > kMaxPayload || next.meta.segment_size != 0 ||
        !alike(meta, next.meta)) {
      break;
    }
    if (next.slot.length < slot.length) return count + 1;
  }
  return count;
}

/// Fills the headers of one sendmmsg call from `next` on, which moves on; `starts` tells where each message begins.
/// Stops at a change of dont_fragment, which is an option of the socket and not of a message.
std::size_t AsioUdpSocket::append_messages(Items items, Position& next, std::span<Position> starts) {
  auto& batch = loop_.batch().outgoing;
  std::size_t count = 0;
  std::size_t vectors = 0;
  std::uint32_t last_segment = 0;
  while (count < starts.size() && next.item < items.size() && items[next.item]->meta.dont_fragment == dont_fragment_) {
    const auto& [slot, meta] = *items[next.item];
    const std::size_t merged = next.offset == 0 ? mergeable(items.subspan(next.item)) : 1;
    if (vectors + merged > batch.vectors.size()) break;
    std::uint32_t segment = merged > 1 ? slot.length : meta.segment_size;
    std::uint32_t length = slot.length - next.offset;
    if (meta.segment_size != 0) {
      const std::uint32_t segments = segmentation_offload_ ? std::clamp(kMaxPayload / segment, 1u, kMaxSegments) : 1;
      length = std::min(length, segments * segment);
      if (length <= segment) segment = 0;
    }
    msghdr& message = batch.prepare(count, vectors, slot.data() + next.offset, length);
    for (std::size_t i = 1; i < merged; ++i) {
      const Slot& more = items[next.item + i]->slot;
      batch.vectors[vectors + i] = {.iov_base = more.data(), .iov_len = more.length};
    }
    message.msg_iovlen = merged;
    vectors += merged;
    if (count > 0 && segment == last_segment && alike(items[starts[count - 1].item]->meta, meta)) {
      batch.repeat_ancillary(count);
    } else {
      const auto address = to_socket_address(meta.destination, meta.interface_index);
      std::memcpy(&batch.names[count], &address.storage, address.length);
      message.msg_namelen = address.length;
      write_control(meta, local_.address.family(), static_cast<std::uint16_t>(segment), message);
    }
    last_segment = segment;
    starts[count++] = next;
    next.offset += length;
    if (next.offset >= slot.length) next = {.item = next.item + merged, .offset = 0};
  }
  return count;
}

/// Sends the prepared messages and returns how many are dealt with: fewer than all if the kernel's buffer is full (the
/// item is marked would_block), or if the next message must be made anew without UDP_SEGMENT or as single datagrams. A
/// failure is tried once more, since it may be the report of an ICMP error about an earlier datagram.
std::size_t AsioUdpSocket::transmit(Items items, std::span<const Position> starts) {
  auto& batch = loop_.batch().outgoing;
  bool retried = false;
  std::size_t next = 0;
  while (next < starts.size()) {
    const auto left = static_cast<unsigned>(starts.size() - next);
    const int sent = ::sendmmsg(source_.fd(), batch.headers.data() + next, left, 0);
    const int error_number = errno;
    if (sent > 0) {
      next += static_cast<std::size_t>(sent);
      retried = false;
    } else if (send_error_of(error_number) == SendError::would_block) {
      items[starts[next].item]->meta.send_error = SendError::would_block;
      return next;
    } else if (!retried) {
      retried = true;
    } else if (error_number == EIO && segmentation_offload_) {
      segmentation_offload_ = merge_ = false;
      return next;
    } else if (batch.headers[next].msg_hdr.msg_iovlen > 1) {
      merge_ = false;  // one of them may be to blame, or the way takes no packets of this size in one piece
      return next;
    } else {
      items[starts[next++].item]->meta.send_error = send_error_of(error_number);
      retried = false;
    }
  }
  return next;
}

/// Set: DF on the wire, and the kernel's own guess of the path MTU is not applied (the probes measure it). Clear: no
/// DF, and no shrinking by forged "fragmentation needed" messages. Both keep ICMP errors coming.
void AsioUdpSocket::set_dont_fragment(bool on) {
  if (on == dont_fragment_) return;
  dont_fragment_ = on;
  if (local_.address.is_v4()) {
    set_option(source_.fd(), IPPROTO_IP, IP_MTU_DISCOVER, on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_OMIT);
  } else {
    set_option(source_.fd(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_OMIT);
    set_option(source_.fd(), IPPROTO_IPV6, IPV6_DONTFRAG, on ? 1 : 0);
  }
}

}  // namespace weft::host

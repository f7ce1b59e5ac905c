// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_tun_queue.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "mesh/base/tun_segmenter.h"
#include "mesh/host/datagram_batch.h"

namespace weft::host {
namespace {

/// System calls for one batch of packets; a super-packet may fill several batches.
constexpr std::size_t kReadsPerBatch = 32;

/// Longest packet that a read may bring, and how many that need no cutting must have come in a row for the next one to
/// be read to where it stays. If that one needs cutting after all it has to be copied once more.
constexpr std::size_t kLongestPacket = 65535;
constexpr unsigned kWholeInARow = 4;

/// Packets of one batch, laid out behind one another in a slab with the room that sealing takes.
class Layout {
 public:
  Layout(MutableByteView slab, std::span<PacketSlot> packets) : slab_(slab), packets_(packets) {}

  bool fits(std::size_t length) const { return count_ < packets_.size() && used_ + space(length) <= slab_.size(); }
  /// Where the bytes of the next packet go; behind the room for a header.
  std::uint8_t* next() const { return slab_.data() + used_ + kSlotHeadRoom; }
  /// The next packet has `length` bytes, which are there or are written next.
  std::uint8_t* add(std::size_t length) {
    PacketSlot& packet = packets_[count_++];
    packet = {};
    packet.slot = {.arena = slab_.data() + used_,
                   .capacity = static_cast<std::uint32_t>(space(length)),
                   .offset = static_cast<std::uint32_t>(kSlotHeadRoom),
                   .length = static_cast<std::uint32_t>(length)};
    used_ += space(length);
    return packet.slot.data();
  }
  /// What was added; the next packet begins anew.
  std::span<PacketSlot> take() {
    used_ = 0;
    return packets_.first(std::exchange(count_, 0));
  }

 private:
  static constexpr std::size_t kPadding = 16;  // of a WireGuard packet
  static std::size_t space(std::size_t length) {
    return (kSlotHeadRoom + length + kPadding + kSlotTailRoom + 15) / 16 * 16;
  }

  MutableByteView slab_;
  std::span<PacketSlot> packets_;
  std::size_t used_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

LinuxTunQueue::LinuxTunQueue(AsioLoop& loop, FileDescriptor fd, TunOffload offload)
    : loop_(loop), source_(loop, std::move(fd)), offload_(offload) {}

void LinuxTunQueue::start_receive(PacketHandler handler) {
  handler_ = std::make_shared<PacketHandler>(std::move(handler));
  source_.start([this] { return read_batch(); });
}

/// One turn: reads until a batch is full or nothing is left.
PacketSource::Moved LinuxTunQueue::read_batch() {
  std::uint8_t* const apart = loop_.arena().slab(0).data() + kSlotHeadRoom;
  Layout layout(loop_.arena().slab(1), loop_.batch().packets);
  PacketSource::Moved moved;
  std::size_t reads = 0;
  for (; reads < kReadsPerBatch; ++reads) {
    const bool in_place = whole_in_a_row_ == kWholeInARow && layout.fits(kLongestPacket);
    PacketOffload offload;
    const auto length = read_one(in_place ? layout.next() : apart, offload);
    if (!length) break;
    const bool whole = offload.segmentation == PacketOffload::Segmentation::none;
    whole_in_a_row_ = whole ? std::min(whole_in_a_row_ + 1, kWholeInARow) : 0;
    if (in_place && whole) {
      if (!finish_checksum({layout.next(), *length}, offload)) continue;
      layout.add(*length);
      ++moved.count;
      continue;
    }
    if (in_place) std::copy_n(layout.next(), *length, apart);
    auto segments = TunSegmenter::create({apart, *length}, offload);
    for (; segments && !segments->done(); ++moved.count) {
      if (!layout.fits(segments->next_length()) && !deliver(layout.take())) return moved;
      segments->write_next(layout.add(segments->next_length()));
    }
  }
  deliver(layout.take());
  moved.full = reads == kReadsPerBatch && moved.count == reads;
  return moved;
}

/// Reads one packet to `at`, before which there is room for what the device says of it. nullopt: nothing is left. A
/// packet of which it says what we did not ask for has no bytes.
std::optional<std::size_t> LinuxTunQueue::read_one(std::uint8_t* at, PacketOffload& offload) {
  static_assert(kVnetHeaderSize <= kSlotHeadRoom);
  const std::size_t header = offload_ == TunOffload::none ? 0 : kVnetHeaderSize;
  const auto got = ::read(source_.fd(), at - header, header + kLongestPacket);
  if (got <= 0) return std::nullopt;
  const auto length = static_cast<std::size_t>(got);
  if (header == 0) return length;
  const auto said = parse_vnet_header({at - header, length});
  if (!said) return 0;
  offload = *said;
  return length - header;
}

/// False if the handler has destroyed this queue.
bool LinuxTunQueue::deliver(std::span<PacketSlot> packets) {
  if (packets.empty()) return true;
  const auto handler = handler_;  // outlives the queue if it destroys it
  (*handler)(packets);
  return handler.use_count() > 1;
}

std::size_t LinuxTunQueue::write(std::span<PacketSlot> packets) {
  std::size_t taken = 0;
  for (; !packets.empty(); packets = packets.subspan(std::min(packets.size(), kMaxBatch))) {
    taken += write_batch(packets.first(std::min(packets.size(), kMaxBatch)));
  }
  return taken;
}

std::size_t LinuxTunQueue::write_batch(std::span<const PacketSlot> packets) {
  const auto one = [this](const PacketSlot& packet) -> std::size_t {
    const bool plain =
        packet.offload.segmentation == PacketOffload::Segmentation::none && !packet.offload.needs_checksum;
    return plain && write_one(packet.slot) ? 1 : 0;
  };
  std::size_t taken = 0;
  if (offload_ == TunOffload::header || offload_ == TunOffload::none) {
    for (const PacketSlot& packet : packets) taken += one(packet);
    return taken;
  }
  for (const auto& run : coalescer_.plan(packets, offload_ == TunOffload::tcp_and_udp)) {
    if (run.count > 1 && write_merged(packets, run)) {
      taken += run.count;
      continue;
    }
    for (std::size_t i = 0, at = run.first; i < run.count; ++i, at = coalescer_.next(at)) taken += one(packets[at]);
  }
  return taken;
}

bool LinuxTunQueue::write_one(const Slot& packet) {
  if (offload_ == TunOffload::none) return ::write(source_.fd(), packet.data(), packet.length) == packet.length;
  std::array<std::uint8_t, kVnetHeaderSize> header{};
  const std::array<iovec, 2> vectors{{{header.data(), header.size()}, {packet.data(), packet.length}}};
  return ::writev(source_.fd(), vectors.data(), vectors.size()) == static_cast<ssize_t>(header.size() + packet.length);
}

bool LinuxTunQueue::write_merged(std::span<const PacketSlot> packets, const TunCoalescer::Run& run) {
  MergedHeaders headers = coalescer_.headers(run);
  auto vnet = make_vnet_header(headers.offload, headers.length);
  std::array<iovec, kMaxBatch + 2> vectors;
  vectors[0] = {vnet.data(), vnet.size()};
  vectors[1] = {headers.bytes.data(), headers.length};
  for (std::size_t i = 0, at = run.first; i < run.count; ++i, at = coalescer_.next(at)) {
    const Slot& packet = packets[at].slot;
    vectors[2 + i] = {packet.data() + headers.length, packet.length - headers.length};
  }
  return ::writev(source_.fd(), vectors.data(), static_cast<int>(2 + run.count)) > 0;
}

}  // namespace weft::host

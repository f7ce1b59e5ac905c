// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/path_fitter.h"

#include <algorithm>
#include <array>

#include "mesh/base/ipv4_fragments.h"
#include "mesh/base/tun_segmenter.h"
#include "mesh/inner/layout.h"
#include "mesh/inner/mss_clamp.h"
#include "mesh/inner/packet_too_big.h"

namespace weft::inner {
namespace {

/// Pieces that wait for the next hand-over.
constexpr std::size_t kArena = 256 * 1024;
constexpr std::size_t kAlignment = 16;
constexpr std::uint16_t kTcpChecksum = 16;

constexpr std::size_t aligned(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

/// One call of fit().
struct PathFitter::Pass {
  Time now;
  const MtuOf& mtu_of;
  const Sink& out;
  const Sink& back;
  std::vector<std::uint8_t>& arena;
  std::array<PacketSlot, kMaxBatch> batch{};
  std::size_t count = 0;
  std::size_t used = 0;  // of the arena

  void flush() {
    if (count > 0) out(std::span(batch).first(count));
    count = 0;
    used = 0;
  }
  void add(const PacketSlot& packet) {
    if (count == batch.size()) flush();
    batch[count++] = packet;
  }
  /// A new packet of `length` bytes with the mark of `like`; the caller fills it.
  std::uint8_t* add_piece(const PacketSlot& like, std::size_t length) {
    const std::size_t room = aligned(kSlotHeadRoom + length + kSlotTailRoom + kAlignment);
    if (count == batch.size() || used + room > arena.size()) flush();
    PacketSlot piece = like;
    piece.slot = {arena.data() + used, static_cast<std::uint32_t>(room), kSlotHeadRoom,
                  static_cast<std::uint32_t>(length)};
    piece.offload = {};
    used += room;
    batch[count++] = piece;
    return piece.slot.data();
  }
};

void PathFitter::fit(Time now, std::span<PacketSlot> packets, const MtuOf& mtu_of, const Sink& out, const Sink& back) {
  if (arena_.empty()) arena_.resize(kArena);
  Pass pass{.now = now, .mtu_of = mtu_of, .out = out, .back = back, .arena = arena_};
  for (PacketSlot& packet : packets) fit_one(pass, packet);
  pass.flush();
}

void PathFitter::fit_one(Pass& pass, PacketSlot& packet) {
  const MutableByteView bytes = packet.slot.bytes();
  const auto layout = layout_of(bytes);
  const bool whole = packet.offload.segmentation == PacketOffload::Segmentation::none;
  const std::size_t mtu = layout && whole ? pass.mtu_of(destination_of(bytes, *layout)) : 0;
  if (mtu == 0) return pass.add(packet);
  if (clamp_mss(bytes, mtu)) ++counters_.clamped;
  if (layout->length <= mtu) return pass.add(packet);

  const auto tcp = tcp_header(bytes, *layout);
  if (tcp && layout->header + *tcp < std::min(layout->length, mtu)) {
    ++counters_.cut;
    const bool told = mtu >= (layout->v4 ? kLeastTold4 : kLeastTold6) && (!layout->v4 || layout->dont_fragment);
    if (told) refuse(pass, bytes, mtu);
    return cut_segment(pass, packet, layout->header, *tcp, mtu);
  }
  if (layout->v4 && !layout->dont_fragment) {
    ++counters_.fragmented;
    return fragment_v4(bytes.first(layout->length), mtu,
                       [&](ByteView piece) { std::ranges::copy(piece, pass.add_piece(packet, piece.size())); });
  }
  const std::size_t told = layout->v4 ? mtu : std::max(mtu, kLeastTold6);
  if (layout->length <= told) return pass.add(packet);
  ++counters_.refused;
  refuse(pass, bytes, told);
}

void PathFitter::cut_segment(Pass& pass, const PacketSlot& packet, std::size_t header, std::size_t tcp,
                             std::size_t mtu) {
  using Segmentation = PacketOffload::Segmentation;
  const ByteView bytes = packet.slot.bytes();
  const auto layout = layout_of(bytes);
  const PacketOffload offload{.segmentation = layout->v4 ? Segmentation::tcp4 : Segmentation::tcp6,
                              .segment_size = static_cast<std::uint16_t>(mtu - header - tcp),
                              .needs_checksum = true,
                              .checksum_start = static_cast<std::uint16_t>(header),
                              .checksum_offset = kTcpChecksum};
  auto segments = TunSegmenter::create(bytes.first(layout->length), offload);
  while (segments && !segments->done()) {
    std::uint8_t* piece = pass.add_piece(packet, segments->next_length());
    segments->write_next(piece);
  }
}

void PathFitter::refuse(Pass& pass, ByteView packet, std::size_t mtu) {
  if (!answers_.take(pass.now)) return;
  auto answer = packet_too_big(packet, mtu);
  if (!answer) return;
  ++counters_.answered;
  const auto length = static_cast<std::uint32_t>(answer->size());
  Bytes slot(kSlotHeadRoom + length + kSlotTailRoom);
  std::ranges::copy(*answer, slot.begin() + kSlotHeadRoom);
  PacketSlot back;
  back.slot = {slot.data(), static_cast<std::uint32_t>(slot.size()), kSlotHeadRoom, length};
  back.verdict = PacketVerdict::ready;
  pass.back({&back, 1});
}

}  // namespace weft::inner

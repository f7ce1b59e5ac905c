// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/inner/mss_clamp.h"

#include "mesh/inner/layout.h"

namespace weft::inner {
namespace {

constexpr std::size_t kTcpHeader = 20, kFlags = 13, kChecksum = 16;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kEndOfOptions = 0, kNoOperation = 1, kMaximumSegmentSize = 2, kMssLength = 4;

/// Where the value of the option begins in `options`; nullopt if there is none.
std::optional<std::size_t> find_mss(ByteView options) {
  std::size_t at = 0;
  while (at < options.size() && options[at] != kEndOfOptions) {
    if (options[at] == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size() || options[at + 1] < 2 || at + options[at + 1] > options.size()) return std::nullopt;
    if (options[at] == kMaximumSegmentSize && options[at + 1] == kMssLength) return at + 2;
    at += options[at + 1];
  }
  return std::nullopt;
}

/// RFC 1624 §3: the checksum after one 16-bit word has changed. A word that begins at an odd offset counts with its
/// bytes exchanged.
void mend_checksum(std::uint8_t* field, std::uint16_t before, std::uint16_t after, bool odd) {
  const auto swap = [](std::uint16_t word) { return static_cast<std::uint16_t>(word << 8 | word >> 8); };
  if (odd) before = swap(before), after = swap(after);
  std::uint32_t sum = static_cast<std::uint16_t>(~load_u16be(field));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  store_u16be(field, static_cast<std::uint16_t>(~sum));
}

}  // namespace

bool clamp_mss(MutableByteView packet, std::size_t mtu) {
  const auto layout = layout_of(packet);
  if (!layout) return false;
  const auto header = tcp_header(packet, *layout);
  if (!header || mtu <= layout->header + kTcpHeader) return false;
  const MutableByteView tcp = packet.subspan(layout->header, *header);
  if ((tcp[kFlags] & kSyn) == 0) return false;
  const auto option = find_mss(tcp.subspan(kTcpHeader));
  if (!option) return false;
  const std::size_t at = kTcpHeader + *option;
  const std::uint16_t announced = load_u16be(&tcp[at]);
  const std::size_t fits = mtu - layout->header - kTcpHeader;
  if (announced <= fits) return false;
  store_u16be(&tcp[at], static_cast<std::uint16_t>(fits));
  mend_checksum(&tcp[kChecksum], announced, static_cast<std::uint16_t>(fits), at % 2 == 1);
  return true;
}

}  // namespace weft::inner

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mesh/base/packet.h"

namespace weft::host {

/// How many of the first packets may enter the machine as one TCP super-packet that it could cut into just these
/// packets again; 1 if the first stands alone. They are of one flow, adjacent in sequence, alike in every header field
/// that segmentation does not recompute, without flags other than ACK (and PSH on the last), of one payload size (the
/// last may be shorter), and with right checksums: nothing is vouched for that was not verified.
std::size_t mergeable(std::span<const PacketSlot> packets);

/// The headers of a super-packet; the payloads of its packets follow.
struct MergedHeaders {
  std::array<std::uint8_t, 40 + 60> bytes;
  std::size_t length = 0;  // also of each packet's own headers
  PacketOffload offload;
};
/// `run`: two or more packets that mergeable() has counted.
MergedHeaders merge_headers(std::span<const PacketSlot> run);

}  // namespace weft::host

// SPDX-License-Identifier: BSD-3-Clause
// links: weft_relay
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.h"
#include "mesh/relay/carry_table.h"
#include "tests/support/seeded_entropy.h"

using namespace weft;

namespace {

PathId path_of(std::uint8_t host) { return {.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, host), 1}}; }

}  // namespace

/// Datagrams in the hands of a node that carries for nodes 1 and 2. The first byte is the host that sends; a channel
/// that is 0 stands for that of node 1, one that is 1 for node 2's. Nothing leaves but from the one to the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  test::SeededEntropy entropy(1);
  relay::CarryTable table(entropy, 1000);
  const auto sides = table.bind(Time{}, 1, path_of(1), 2, path_of(2));
  WEFT_ASSERT(sides.has_value());
  Bytes bytes(data + 1, data + size);
  const auto channel = relay::data_channel(bytes, relay::UdpType::carry);
  if (channel == 0u) relay::write_data_header(bytes.data(), sides->first.channel, relay::UdpType::carry);
  if (channel == 1u) relay::write_data_header(bytes.data(), sides->second.channel, relay::UdpType::carry);
  PacketSlot slot;
  slot.slot = {bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0, static_cast<std::uint32_t>(bytes.size())};
  slot.path = path_of(data[0]);
  table.forward(Time{}, {&slot, 1});
  if (slot.verdict != PacketVerdict::ready) return 0;
  WEFT_ASSERT(data[0] == 1 || data[0] == 2);
  WEFT_ASSERT(slot.path == path_of(data[0] == 1 ? 2 : 1));
  WEFT_ASSERT(relay::data_channel(bytes, relay::UdpType::carried) ==
              (data[0] == 1 ? sides->second.channel : sides->first.channel));
  return 0;
}

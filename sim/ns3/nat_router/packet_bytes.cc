// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/nat_router/packet_bytes.h"

#include <ns3/callback.h>
#include <ns3/tag-buffer.h>
#include <ns3/tag.h>

#include <array>
#include <memory>
#include <string>

namespace weft::stack {
namespace {

/// ns3::Ipv4FlowProbeTag: flow, packet, size, source, destination, four bytes each.
constexpr std::size_t kFlowMark = 20, kFlowMarkAddresses = 12;

std::unique_ptr<ns3::Tag> make_tag(ns3::TypeId type) {
  return std::unique_ptr<ns3::Tag>(dynamic_cast<ns3::Tag*>(type.GetConstructor()()));
}

/// Replaces the addresses of FlowMonitor's mark by those of `packet`.
void readdress(ns3::Tag& tag, const ns3::Packet& packet) {
  std::array<std::uint8_t, 20> header{};
  std::array<std::uint8_t, kFlowMark> bytes{};
  if (packet.CopyData(header.data(), header.size()) < header.size() || header[0] >> 4 != 4 ||
      tag.GetSerializedSize() != kFlowMark)
    return;
  tag.Serialize(ns3::TagBuffer(bytes.data(), bytes.data() + bytes.size()));
  std::copy_n(&header[12], 8, &bytes[kFlowMarkAddresses]);
  tag.Deserialize(ns3::TagBuffer(bytes.data(), bytes.data() + bytes.size()));
}

}  // namespace

ns3::Ptr<ns3::Packet> make_packet(ByteView bytes) {
  return ns3::Create<ns3::Packet>(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

Bytes bytes_of(const ns3::Packet& packet) {
  Bytes bytes(packet.GetSize());
  packet.CopyData(bytes.data(), packet.GetSize());
  return bytes;
}

void carry_tags(const ns3::Packet& from, ns3::Ptr<ns3::Packet> to, Tags which) {
  for (auto i = from.GetPacketTagIterator(); i.HasNext();) {
    const auto item = i.Next();
    if (item.GetTypeId().GetName() != "weft::CauseTag") continue;
    const auto tag = make_tag(item.GetTypeId());
    item.GetTag(*tag);
    to->AddPacketTag(*tag);
  }
  if (which != Tags::all) return;
  for (auto i = from.GetByteTagIterator(); i.HasNext();) {
    const auto item = i.Next();
    const std::string name = item.GetTypeId().GetName();
    if (name != "ns3::Ipv4FlowProbeTag" && name != "ns3::Ipv6FlowProbeTag") continue;
    const auto tag = make_tag(item.GetTypeId());
    item.GetTag(*tag);
    readdress(*tag, *to);
    to->AddByteTag(*tag);
    return;
  }
}

}  // namespace weft::stack

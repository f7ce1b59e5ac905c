// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/cause_tag.h"

#include <ns3/tag.h>

#include <ostream>

namespace weft::stack {
namespace {

class CauseTag final : public ns3::Tag {
 public:
  explicit CauseTag(std::uint64_t cause = 0) : cause_(cause) {}

  /// A program and the module of ns-3 nodes may both hold this code: the first to ask registers the type for both.
  static ns3::TypeId GetTypeId() {
    static const ns3::TypeId id = [] {
      ns3::TypeId known;
      if (ns3::TypeId::LookupByNameFailSafe("weft::CauseTag", &known)) return known;
      return ns3::TypeId("weft::CauseTag").SetParent<ns3::Tag>().AddConstructor<CauseTag>();
    }();
    return id;
  }
  ns3::TypeId GetInstanceTypeId() const override { return GetTypeId(); }
  std::uint32_t GetSerializedSize() const override { return sizeof cause_; }
  void Serialize(ns3::TagBuffer out) const override { out.WriteU64(cause_); }
  void Deserialize(ns3::TagBuffer in) override { cause_ = in.ReadU64(); }
  void Print(std::ostream& out) const override { out << "event " << cause_; }
  std::uint64_t cause() const { return cause_; }

 private:
  std::uint64_t cause_;
};

}  // namespace

void set_cause(ns3::Ptr<const ns3::Packet> packet, std::uint64_t cause) {
  CauseTag old;
  ns3::ConstCast<ns3::Packet>(packet)->RemovePacketTag(old);
  if (cause != 0) packet->AddPacketTag(CauseTag(cause));
}

std::uint64_t cause_of(const ns3::Packet& packet) {
  CauseTag tag;
  return packet.PeekPacketTag(tag) ? tag.cause() : 0;
}

}  // namespace weft::stack

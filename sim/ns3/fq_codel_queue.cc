// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/fq_codel_queue.h"

#include <ns3/address.h>
#include <ns3/queue-item.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <array>

#include "mesh/base/bytes.h"

namespace weft::stack {
namespace {

constexpr std::uint32_t kQuantum = 1514;  // RFC 8290 §5.2.4: an Ethernet frame
constexpr std::size_t kPppHeader = 2;     // the device puts it before the packet, and the packet in the queue

/// FNV-1a: flows are only told apart.
std::uint32_t digest(ByteView bytes, std::uint32_t hash) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x01000193;
  return hash;
}

/// An IP packet on a wire, which nobody marks.
class WireItem final : public ns3::QueueDiscItem {
 public:
  explicit WireItem(ns3::Ptr<ns3::Packet> packet) : QueueDiscItem(packet, ns3::Address(), 0) {}
  void AddHeader() override {}
  bool Mark() override { return false; }

  std::uint32_t Hash(std::uint32_t perturbation) const override {
    std::array<std::uint8_t, kPppHeader + 60 + 4> copy{};
    const std::size_t size = GetPacket()->CopyData(copy.data(), copy.size());
    const ByteView ip = ByteView(copy).first(size).subspan(std::min(size, kPppHeader));
    const bool v4 = ip.size() >= 20 && ip[0] >> 4 == 4;
    const std::size_t header = v4 ? std::size_t{ip[0] & 15u} * 4 : 40;
    if (ip.size() < header + 4) return 0;
    std::uint32_t hash = digest(v4 ? ip.subspan(12, 8) : ip.subspan(8, 32), 0x811C9DC5 ^ perturbation);
    hash = digest(ip.subspan(v4 ? 9 : 6, 1), hash);
    const bool first = !v4 || (load_u16be(ip.data() + 6) & 0x3FFF) == 0;  // fragments have no ports
    return first ? digest(ip.subspan(header, 4), hash) : hash;
  }
};

}  // namespace

ns3::TypeId FqCodelQueue::GetTypeId() {
  static const ns3::TypeId kType =
      ns3::TypeId("weft::FqCodelQueue").SetParent<ns3::Queue<ns3::Packet>>().AddConstructor<FqCodelQueue>();
  return kType;
}

FqCodelQueue::FqCodelQueue() : disc_(ns3::CreateObject<ns3::FqCoDelQueueDisc>()) {
  disc_->SetQuantum(kQuantum);
  disc_->Initialize();
}

bool FqCodelQueue::Enqueue(ns3::Ptr<ns3::Packet> packet) { return disc_->Enqueue(ns3::Create<WireItem>(packet)); }

ns3::Ptr<ns3::Packet> FqCodelQueue::Dequeue() {
  const auto item = disc_->Dequeue();
  return item ? item->GetPacket() : nullptr;
}

ns3::Ptr<const ns3::Packet> FqCodelQueue::Peek() const {
  const auto item = disc_->Peek();
  return item ? item->GetPacket() : nullptr;
}

void FqCodelQueue::DoDispose() {
  disc_->Dispose();
  disc_ = nullptr;
  Queue<ns3::Packet>::DoDispose();
}

}  // namespace weft::stack

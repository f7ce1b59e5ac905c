// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/fabric_tun.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/applications.h"
#include "sim/fabric/event_loop.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/network.h"
#include "sim/fabric/router.h"
#include "sim/trace/recorder.h"

namespace weft::fabric {
namespace {

constexpr std::size_t kHead = 32, kTail = 64;  // more than the contract asks for, with the content aligned as the arena

}  // namespace

FabricTun::~FabricTun() {
  *exists_ = false;
  host_.applications().detach(*this);
}

void FabricTun::start_receive(PacketHandler handler) {
  WEFT_ASSERT(!handler_);
  handler_ = std::make_shared<PacketHandler>(std::move(handler));
}

std::size_t FabricTun::write(std::span<PacketSlot> packets) {
  if (!host_.powered()) return 0;
  EventLoop& loop = host_.internet().loop();
  const auto* recorder = host_.internet().router().recorder();
  for (const PacketSlot& packet : packets) {
    const ByteView bytes = packet.slot.bytes();
    const std::uint64_t cause = loop.cause();
    if (recorder != nullptr)
      loop.set_cause(record(tracing::Kind::inner_received, recorder->cause_of(bytes.data(), cause), bytes));
    host_.applications().deliver(bytes);
    loop.set_cause(cause);
  }
  return packets.size();
}

Result<void> FabricTun::set_routes(const std::vector<Prefix>& routes) {
  routes_ = routes;
  return {};
}

std::optional<int> FabricTun::route_length(const IpAddress& destination) const {
  if (!routes_) return 0;
  std::optional<int> longest;
  for (const Prefix& route : *routes_) {
    if (route.contains(destination) && route.length >= longest.value_or(0)) longest = route.length;
  }
  return longest;
}

bool FabricTun::enqueue(Bytes packet) {
  const bool fits = packet.size() <= options_.mtu;
  std::uint64_t event = 0;
  if (host_.internet().router().recorder() != nullptr) {
    event = record(tracing::Kind::inner_sent, host_.internet().loop().cause(), packet);
    if (!fits || queue_.size() >= kQueueLimit)
      record(tracing::Kind::dropped, event, packet, fits ? "queue_full" : "too_big");
  }
  if (queue_.size() >= kQueueLimit || !fits) return false;
  queue_.push_back({std::move(packet), event});
  if (std::exchange(flush_posted_, true)) return true;
  host_.post([this, exists = exists_] {
    if (*exists) flush();
  });
  return true;
}

void FabricTun::flush() {
  flush_posted_ = false;
  const auto exists = exists_;
  const auto handler = handler_;
  std::vector<Waiting> batch = std::exchange(queue_, {});
  if (!handler) return;
  std::vector<PacketSlot> slots;
  for (std::span<Waiting> rest(batch); !rest.empty() && *exists;) {
    slots.clear();
    tracing::Recorder::Batch held(host_.internet().router().recorder());
    host_.internet().loop().set_cause(rest.front().event);
    const std::size_t count = std::min(rest.size(), kMaxBatch);
    for (auto& [packet, event] : rest.first(count)) {
      const auto length = static_cast<std::uint32_t>(packet.size());
      packet.insert(packet.begin(), kHead, 0);
      packet.resize(packet.size() + kTail);
      slots.push_back({.slot = {packet.data(), static_cast<std::uint32_t>(packet.size()), kHead, length}});
      held.hold(packet.data(), packet.size(), event);
    }
    (*handler)(slots);
    rest = rest.subspan(count);
  }
}

std::uint64_t FabricTun::record(tracing::Kind kind, std::uint64_t cause, ByteView packet, std::string_view reason) {
  return host_.internet().router().recorder()->record({.cause = cause,
                                                       .at = host_.internet().now(),
                                                       .node = host_.node(),
                                                       .kind = kind,
                                                       .interface = tracing::Interface::tun,
                                                       .packet = packet,
                                                       .reason = reason});
}

bool Applications::send(Bytes packet) {
  const auto ip = parse_ip(packet);
  if (!ip || !host_.powered()) return false;
  FabricTun* best = nullptr;
  std::optional<int> length;
  for (FabricTun* device : devices_) {
    const auto route = device->route_length(ip->destination);
    if (!route || (length && *route <= *length)) continue;
    length = route;
    best = device;
  }
  return best != nullptr && best->enqueue(std::move(packet));
}

std::uint32_t Applications::add_receiver(Receiver receiver) {
  receivers_[next_receiver_] = std::move(receiver);
  return next_receiver_++;
}

void Applications::remove_receiver(std::uint32_t number) { receivers_.erase(number); }

IpAddress Applications::address(IpFamily family) const {
  for (const FabricTun* device : devices_) {
    for (const Prefix& prefix : device->addresses()) {
      if (prefix.address.family() == family) return prefix.address;
    }
  }
  return IpAddress::any(family);
}

std::uint16_t Applications::mtu() const {
  const auto least = std::ranges::min_element(devices_, {}, [](const FabricTun* device) { return device->mtu(); });
  return least == devices_.end() ? std::uint16_t{1280} : (*least)->mtu();
}

bool Applications::attach(FabricTun& device) {
  if (std::ranges::any_of(devices_, [&](const FabricTun* other) { return other->name() == device.name(); }))
    return false;
  devices_.push_back(&device);
  return true;
}

void Applications::detach(FabricTun& device) { std::erase(devices_, &device); }

void Applications::deliver(ByteView packet) {
  for (auto next = receivers_.begin(); next != receivers_.end();) {
    const auto current = next++;  // it may remove itself
    current->second(packet);
  }
}

}  // namespace weft::fabric

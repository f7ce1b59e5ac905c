// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/host_services.h"

#include <utility>

#include "sim/fabric/network.h"
#include "sim/nat/rfc6052.h"

namespace weft::fabric {

FabricTimer::FabricTimer(EventLoop& loop, std::shared_ptr<PowerCycle> cycle, std::function<void()> handler)
    : Alarm(loop), cycle_(std::move(cycle)), handler_(std::move(handler)) {}

void FabricTimer::ring() {
  if (!cycle_->on) return;
  if (cycle_->asleep) return cycle_->overdue.push_back(this);
  bool destroyed = false;
  destroyed_ = &destroyed;
  auto handler = std::move(handler_);  // it may destroy this timer
  handler();
  if (destroyed) return;
  handler_ = std::move(handler);
  destroyed_ = nullptr;
}

void PowerCycle::post(const std::shared_ptr<PowerCycle>& cycle, EventLoop& loop, std::function<void()> task) {
  loop.post([&loop, cycle, task = std::move(task)]() mutable {
    if (!cycle->on) return;
    if (!cycle->asleep) return task();
    cycle->held_back.push_back([&loop, cycle, task = std::move(task)] { post(cycle, loop, task); });
  });
}

void PowerCycle::wake(Time now) {
  asleep = false;
  for (FabricTimer* timer : std::exchange(overdue, {})) timer->arm(now);
  for (const auto& task : std::exchange(held_back, {})) task();
}

void PowerCycle::end() {
  on = false;
  overdue.clear();
  held_back.clear();
}

FabricTimer::~FabricTimer() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  std::erase(cycle_->overdue, this);
}

void HostNames::resolve(const std::string& name, Handler handler) {
  Result<std::vector<IpAddress>> answer = fail(ErrorCode::not_found, "no address is known for the name " + name);
  if (const auto literal = IpAddress::parse(name)) {
    answer = std::vector{*literal};
  } else if (const auto& names = host_.internet().names(); names.contains(name)) {
    const auto prefix = host_.internet().nat64_prefix(host_.node());
    answer = prefix ? nat::dns64_answer(*prefix, names.at(name)) : names.at(name);
  }
  host_.post([handler = std::move(handler), answer = std::move(answer)] { handler(answer); });
}

std::vector<io::NetworkInterface> HostMonitor::interfaces() const {
  std::vector<io::NetworkInterface> found;
  for (const FabricHost::Uplink& uplink : host_.uplinks()) {
    const auto index = static_cast<std::uint32_t>(found.size() + 1);
    io::NetworkInterface one{.name = uplink.name, .index = index, .up = host_.is_up(uplink)};
    one.has_default_route = one.up && !uplink.addresses.empty();
    one.metric = 100 * index;
    for (const IpAddress& address : uplink.addresses) one.addresses.push_back({address, address.is_v4() ? 24 : 64});
    if (const auto gateway = host_.internet().gateway_address(uplink.node); gateway && one.has_default_route)
      one.gateways.push_back(*gateway);
    found.push_back(std::move(one));
  }
  return found;
}

void HostMonitor::changed() {
  host_.post([this] {
    if (const auto handler = handler_) handler();
  });
}

}  // namespace weft::fabric

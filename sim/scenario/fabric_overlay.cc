// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/fabric_overlay.h"

#include <utility>

#include "sim/fabric/applications.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/headers.h"

namespace weft::sim {
namespace {

bool is_echo(ByteView packet) {
  const auto ip = fabric::parse_ip(packet);
  if (!ip || ip->payload.empty()) return false;
  if (ip->protocol == fabric::kIcmp) return ip->payload[0] == 8 || ip->payload[0] == 0;
  return ip->protocol == fabric::kIcmpV6 && (ip->payload[0] == 128 || ip->payload[0] == 129);
}

}  // namespace

FabricOverlay::~FabricOverlay() {
  if (number_) host_.applications().remove_receiver(*number_);
}

bool FabricOverlay::send(Bytes ip_packet) { return host_.applications().send(std::move(ip_packet)); }

void FabricOverlay::set_receiver(Receiver receiver) {
  receiver_ = std::make_shared<Receiver>(std::move(receiver));
  number_ = host_.applications().add_receiver([this](ByteView packet) { take(packet); });
}

void FabricOverlay::take(ByteView packet) {
  if (is_echo(packet)) return;
  host_.post([receiver = receiver_, bytes = to_bytes(packet)] { (*receiver)(bytes); });
}

IpAddress FabricOverlay::address(IpFamily family) const { return host_.applications().address(family); }

std::uint16_t FabricOverlay::mtu() const { return host_.applications().mtu(); }

}  // namespace weft::sim

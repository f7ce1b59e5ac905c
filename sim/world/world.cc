// SPDX-License-Identifier: GPL-2.0-only
#include "sim/world/world.h"

#include "mesh/base/assert.h"

namespace weft::sim {

std::string_view to_string(Feature feature) {
  switch (feature) {
    case Feature::link_shape:
      return "give a link jitter, bursts of losses or a queue of its own";
    case Feature::set_link:
      return "change a link during the run";
    case Feature::set_region_path:
      return "change the way between regions during the run";
    case Feature::reboot_gateway:
      return "reboot a NAT with another external address";
    case Feature::move_host:
      return "move a host or change its address during the run";
    case Feature::wall_clock:
      return "step a wall clock or let it drift";
    case Feature::suspend:
      return "suspend a host";
    case Feature::count_bytes:
      return "count the bytes of a host";
    case Feature::lose:
      return "lose packets by rule";
    case Feature::repeat:
      return "repeat packets on their way";
    case Feature::uplinks:
      return "give a host several interfaces";
    case Feature::queue_disc:
      return "give a link a queue discipline";
    case Feature::count_:
      break;
  }
  return "do that";
}

// Reached only if a caller has not asked World::can.
void World::lose(std::function<bool(ByteView)>) { WEFT_ASSERT(can(Feature::lose)); }
void World::forge(std::function<std::vector<Bytes>(ByteView)>) { WEFT_ASSERT(can(Feature::lose)); }
void World::deliver_twice() { WEFT_ASSERT(can(Feature::lose)); }
void World::watch_entropy(std::function<void(const io::Host&, ByteView)>) {}
void World::add_uplink(io::Host&, const std::string&, const AttachmentPlan&) { WEFT_ASSERT(can(Feature::uplinks)); }
void World::set_uplink_up(io::Host&, const std::string&, bool) { WEFT_ASSERT(can(Feature::uplinks)); }
void World::set_link(io::Host&, const LinkPlan&) { WEFT_ASSERT(can(Feature::set_link)); }
void World::set_link(GatewayId, const LinkPlan&) { WEFT_ASSERT(can(Feature::set_link)); }
void World::set_region_path(std::uint16_t, std::uint16_t, const RegionPathPlan&) {
  WEFT_ASSERT(can(Feature::set_region_path));
}
void World::reboot_gateway(GatewayId, const std::vector<IpAddress>&) { WEFT_ASSERT(can(Feature::reboot_gateway)); }
void World::move_host(io::Host&, const AttachmentPlan&) { WEFT_ASSERT(can(Feature::move_host)); }
void World::set_wall_clock(io::Host&, Duration, std::int32_t) { WEFT_ASSERT(can(Feature::wall_clock)); }
void World::set_suspended(io::Host&, bool) { WEFT_ASSERT(can(Feature::suspend)); }
std::uint64_t World::bytes_sent(io::Host&) const {
  WEFT_ASSERT(can(Feature::count_bytes));
  return 0;
}

}  // namespace weft::sim

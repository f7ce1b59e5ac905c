// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/access_classes.h"

#include <algorithm>

namespace weft::sim {
namespace {

LinkPlan ladder(std::uint64_t kbps, Duration delay, std::uint32_t loss_per_mille, std::uint32_t burst) {
  return {.delay = delay,
          .up_bps = kbps * 1'000,
          .down_bps = kbps * 1'000,
          .queue = 200ms,
          .loss_ppm = loss_per_mille * 1'000,
          .loss_burst = burst};
}

/// `queue` is what home gateways of the kind were measured to hold.
LinkPlan line(std::uint64_t up_mbps, std::uint64_t down_mbps, Duration delay, Duration jitter, Duration queue) {
  return {.delay = delay,
          .jitter = jitter,
          .up_bps = up_mbps * 1'000'000,
          .down_bps = down_mbps * 1'000'000,
          .queue = queue};
}

}  // namespace

const std::vector<AccessClass>& access_classes() {
  static const std::vector<AccessClass> classes = {
      {"access-p10", line(10, 15, 8ms, 2ms, 200ms)},   {"access-p50", line(20, 36, 6ms, 1ms, 100ms)},
      {"access-p90", line(81, 123, 4ms, 500us, 50ms)}, {"good-wifi", ladder(100'000, 16ms, 1, 1)},
      {"congested-wifi", ladder(25'000, 40ms, 10, 6)}, {"weak-4g", ladder(8'000, 90ms, 20, 8)},
      {"slow-3g", ladder(3'000, 200ms, 30, 10)},       {"congested-cell", ladder(1'500, 300ms, 50, 12)},
      {"very-bad", ladder(800, 450ms, 80, 20)},        {"satellite", ladder(25'000, 600ms, 15, 6)},
      {"barely", ladder(500, 450ms, 120, 25)},         {"absurd", ladder(256, 800ms, 250, 40)},
  };
  return classes;
}

const LinkPlan* find_access_class(std::string_view name) {
  const auto found = std::ranges::find(access_classes(), name, &AccessClass::name);
  return found == access_classes().end() ? nullptr : &found->link;
}

std::string access_class_names() {
  std::string names;
  for (const AccessClass& access : access_classes()) names += (names.empty() ? "" : ", ") + std::string(access.name);
  return names;
}

}  // namespace weft::sim

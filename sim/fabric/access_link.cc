// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/access_link.h"

#include <algorithm>

namespace weft::fabric {
namespace {

constexpr std::uint64_t kBitNanoseconds = 8'000'000'000;  // a byte at 1 bit/s
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::size_t kFragmentHeader = 20;

Duration time_for(std::uint64_t bytes, std::uint64_t bps) {
  return Duration{static_cast<std::int64_t>(bytes * kBitNanoseconds / bps)};
}

}  // namespace

/// Gilbert-Elliott with a lossless good and an all-losing bad state: leaving the bad one by 1/burst and entering it by
/// p / ((1 - p) burst) gives the loss ratio p.
bool LinkDirection::lost(const LinkOptions& link) {
  if (link.loss_ppm == 0) return false;
  if (link.loss_burst <= 1 || link.loss_ppm >= kMillion) return random_.chance(link.loss_ppm, kMillion);
  if (bad_) {
    bad_ = !random_.chance(1, link.loss_burst);
  } else {
    bad_ = random_.chance(link.loss_ppm, (kMillion - link.loss_ppm) * link.loss_burst);
  }
  return bad_;
}

std::variant<Duration, DropReason> LinkDirection::admit(Time now, const LinkOptions& link, std::uint64_t bps,
                                                        std::size_t bytes, std::size_t pieces) {
  Duration queueing{0};
  if (bps != 0) {
    free_at_ = std::max(free_at_, now);
    const Duration bound = link.queue > 0ns ? link.queue : time_for(link.queue_bytes, bps);
    if (free_at_ - now > bound) return DropReason::queue_full;
    free_at_ += time_for(bytes, bps);
    queueing = free_at_ - now;
  }
  bool gone = false;
  for (std::size_t piece = 0; piece < pieces; ++piece) gone |= lost(link);
  if (gone) return DropReason::link_loss;
  if (link.jitter == 0ns) return queueing + link.delay;
  const Duration jitter{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(link.jitter.count()) + 1))};
  last_ = std::max(last_, now + queueing + link.delay + jitter);
  return last_ - now;
}

AccessLink::AccessLink(const LinkOptions& options, std::uint64_t seed, const std::string& owner)
    : options_(options), up_(seed, "link/" + owner + "/up"), down_(seed, "link/" + owner + "/down") {}

std::variant<Duration, DropReason> AccessLink::up(Time now, std::size_t packet_size) {
  return admit(up_, now, options_.up_bps, packet_size);
}

std::variant<Duration, DropReason> AccessLink::down(Time now, std::size_t packet_size) {
  return admit(down_, now, options_.down_bps, packet_size);
}

std::variant<Duration, DropReason> AccessLink::admit(LinkDirection& direction, Time now, std::uint64_t bps,
                                                     std::size_t size) {
  if (!options_.up) return DropReason::link_down;
  const std::size_t pieces =
      size <= options_.mtu ? 1 : (size - kFragmentHeader - 1) / (options_.mtu - kFragmentHeader) + 1;
  if (pieces > 1 && !options_.fragments) return DropReason::too_big;
  return direction.admit(now, options_, bps, size + (pieces - 1) * kFragmentHeader, pieces);
}

}  // namespace weft::fabric

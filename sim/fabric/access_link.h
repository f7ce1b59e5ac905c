// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "sim/fabric/link_options.h"
#include "sim/fabric/wire_event.h"

namespace weft::fabric {

/// One direction of an access link: a queue with a rate, then loss, then delay. Integers only.
class LinkDirection {
 public:
  LinkDirection(std::uint64_t seed, std::string_view stream_name) : random_(seed, stream_name) {}

  /// How long a packet of `bytes` (in `pieces` fragments, any of which may be lost) needs to the other end, or why it
  /// never gets there.
  std::variant<Duration, DropReason> admit(Time now, const LinkOptions& link, std::uint64_t bps, std::size_t bytes,
                                           std::size_t pieces);

 private:
  bool lost(const LinkOptions& link);
  SeededRandom random_;
  Time free_at_{};    // when the last byte in the queue will have left
  Time last_{};       // when the last packet reaches the other end
  bool bad_ = false;  // in a run of losses
};

class AccessLink {
 public:
  AccessLink(const LinkOptions& options, std::uint64_t seed, const std::string& owner);
  const LinkOptions& options() const { return options_; }
  void set(const LinkOptions& options) { options_ = options; }
  std::variant<Duration, DropReason> up(Time now, std::size_t packet_size);
  std::variant<Duration, DropReason> down(Time now, std::size_t packet_size);

 private:
  std::variant<Duration, DropReason> admit(LinkDirection& direction, Time now, std::uint64_t bps, std::size_t size);
  LinkOptions options_;
  LinkDirection up_;
  LinkDirection down_;
};

}  // namespace weft::fabric

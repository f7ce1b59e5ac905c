// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/world/world.h"

namespace weft::sim {

/// What is plugged into a RealtimeExchange at an interface.
struct RealtimePort {
  std::string interface;
  std::array<std::uint8_t, 6> mac{};  // of the other end of the wire
  std::uint16_t region = 0;
  std::vector<IpAddress> addresses;
  LinkPlan link;
};

/// How late packets left an ns-3 simulation that paces itself by the clock: from when the model says, to when it was
/// done.
struct RealtimeLateness {
  std::uint64_t packets = 0;
  Duration median{0}, p99{0}, most{0};
};

/// The Internet of a laboratory in network namespaces as an ns-3 simulation in real time, on a thread of its own: each
/// interface is an ns-3 device, and behind it are the links, queues and ways of the `stack` fidelity. Calls come from
/// the thread that made it, and return when the simulation has done what they say.
class RealtimeExchange {
 public:
  virtual ~RealtimeExchange() = default;

  /// Errors: io, if the interface cannot be opened; usage, if it is plugged in already.
  virtual Result<void> attach(const RealtimePort& port) = 0;
  /// Errors for these: usage, if nothing is plugged in there.
  virtual Result<void> detach(const std::string& interface) = 0;
  virtual Result<void> set_link(const std::string& interface, const LinkPlan& link) = 0;
  virtual Result<void> set_addresses(const std::string& interface, const std::vector<IpAddress>& addresses) = 0;
  virtual Result<void> set_way(std::uint16_t from, std::uint16_t to, const RegionPathPlan& way) = 0;
  /// `task` runs between two events of the simulation.
  virtual void inspect(const std::function<void()>& task) = 0;
  virtual RealtimeLateness lateness() = 0;
};

/// Sees every packet that enters; on the simulation's thread.
using RealtimeObserver = std::function<void(Time now, ByteView packet)>;

}  // namespace weft::sim

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::io {

struct NetworkInterface {
  std::string name;
  std::uint32_t index = 0;
  bool up = false;
  bool has_default_route = false;
  std::uint32_t metric =
      0;  // the least of its default routes: the host sends by the interface that has the least of all
  std::vector<Prefix> addresses;    // each address with the length of its on-link prefix, not masked
  std::vector<IpAddress> gateways;  // next hops of the default routes, as far as they are known
  friend bool operator==(const NetworkInterface&, const NetworkInterface&) = default;
};

/// Interfaces, addresses and default routes of the host, without loopback and without the overlay's own TUN.
class NetworkMonitor {
 public:
  virtual ~NetworkMonitor() = default;
  virtual std::vector<NetworkInterface> interfaces() const = 0;
  /// `handler` runs from the event loop after any change (and after a resume from suspend). One handler; empty to stop.
  virtual void on_change(std::function<void()> handler) = 0;
};

}  // namespace weft::io

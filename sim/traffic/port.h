// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "sim/fabric/applications.h"

namespace weft::traffic {

/// A program's hold on the overlay side of a host, given up by destruction.
class Port {
 public:
  Port(fabric::FabricHost& host, fabric::Applications::Receiver receiver);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  bool send(Bytes packet) { return applications_.send(std::move(packet)); }
  /// The host's own address in the overlay; unspecified while there is none.
  IpAddress address(IpFamily family) const { return applications_.address(family); }

 private:
  fabric::Applications& applications_;
  std::uint32_t number_;
};

}  // namespace weft::traffic

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::fabric {

class FabricHost;
class FabricTun;

/// The side of a host's TUN devices on which programs stand. It outlives the devices, so traffic goes on when a service
/// is started anew.
class Applications {
 public:
  using Receiver = std::function<void(ByteView ip_packet)>;

  explicit Applications(FabricHost& host) : host_(host) {}

  /// Sends a whole IP packet into the overlay, by the most specific route. False if no device has a route to it, or its
  /// queue is full: a program would see an error.
  bool send(Bytes ip_packet);
  /// `receiver` gets every packet that a service writes to a TUN device, until removed by the number returned.
  std::uint32_t add_receiver(Receiver receiver);
  void remove_receiver(std::uint32_t number);
  /// The address of the overlay this host has, of `family`; unspecified if there is no device with one.
  IpAddress address(IpFamily family) const;
  /// Of the device with the least; 1,280, the least there may be, without a device.
  std::uint16_t mtu() const;

  /// For FabricTun.
  bool attach(FabricTun& device);
  void detach(FabricTun& device);
  void deliver(ByteView ip_packet);
  FabricHost& host() { return host_; }

 private:
  FabricHost& host_;
  std::vector<FabricTun*> devices_;
  std::map<std::uint32_t, Receiver> receivers_;
  std::uint32_t next_receiver_ = 1;
};

}  // namespace weft::fabric

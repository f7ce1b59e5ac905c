// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/fd-net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>

#include <array>
#include <functional>
#include <string>

#include "mesh/base/error.h"

namespace weft::stack {

/// A bare ns-3 node between an interface of this machine and a device of the simulation:
///
///     [namespace] eth0 ── interface [FdNetDevice] node [device] ── the simulation
///
/// The interface is opened by us and its descriptor given to FdNetDevice: the helpers of TapBridge and
/// EmuFdNetDevice run programs that Debian does not package (ns3.37-tap-creator).
class WirePort {
 public:
  using Address = std::array<std::uint8_t, 6>;

  WirePort() : node_(ns3::CreateObject<ns3::Node>()) {}
  /// `other`: of the wire's far end. Error: io.
  Result<void> open(const std::string& interface, const Address& other);
  ns3::Ptr<ns3::Node> node() const { return node_; }
  /// Starts between the wire and `inner`, which is a device of node(). `on_leave` runs as a packet leaves for the wire.
  void connect(ns3::Ptr<ns3::NetDevice> inner, std::function<void()> on_leave);
  /// Before the interface goes.
  void close();

 private:
  void from_wire(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
                 const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);
  void answer_arp(const ns3::Packet& request, const ns3::Address& from);
  void to_wire(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);

  ns3::Ptr<ns3::Node> node_;
  ns3::Ptr<ns3::FdNetDevice> wire_;
  ns3::Ptr<ns3::NetDevice> inner_;
  ns3::Address other_;
  std::function<void()> on_leave_;
};

}  // namespace weft::stack

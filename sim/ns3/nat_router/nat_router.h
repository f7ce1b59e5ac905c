// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/event-id.h>
#include <ns3/ipv4-address.h>
#include <ns3/ipv6-address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/nstime.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/traced-callback.h>
#include <ns3/traced-value.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "sim/nat/nat.h"

namespace weft::stack {

/**
 * \brief A network address translator (or a stateful firewall) between two devices of a node.
 *
 * Packets that arrive at one device are rewritten by the NAT engine of Weft (every axis of RFC 4787, 5382 and 5508) and
 * sent by the other. The node is a bare one, without an Internet stack: the NAT is the protocol handler of both
 * devices, for IPv4 and IPv6. Both are devices without ARP, as point-to-point ones are. Checksums are updated by
 * increments, so bind the global value "ChecksumEnabled" to true before the nodes send.
 *
 * \code
 *   hosts -- [inside device]  NatRouter  [outside device] -- the Internet
 * \endcode
 *
 * Attributes describe the NAT. They are read when the first packet comes and at each Restart(); a later change waits
 * for the next Restart(). The router aggregates itself to the node, so that paths such as
 * "/NodeList/2/$weft::NatRouter/Drop" find its trace sources.
 */
class NatRouter : public ns3::Object {
 public:
  static ns3::TypeId GetTypeId();
  NatRouter();
  ~NatRouter() override;

  /// The device of the hosts behind it and the one towards the rest. Called once, before packets come.
  void Connect(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside);
  /// An address that it owns outside. Without one of a family, that family passes untranslated behind the same filter.
  void AddExternalAddress(ns3::Ipv4Address address);
  void AddExternalAddress(ns3::Ipv6Address address);
  void AddExternalAddress(const IpAddress& address);
  /// The address from which it tells hosts behind it that a TTL has expired; the first external one until set.
  void SetInsideAddress(ns3::Ipv4Address address);
  void SetInsideAddress(const IpAddress& address);
  /// All axes at once instead of the attributes; takes effect at once, with all state lost.
  void SetBehavior(const nat::Behavior& behavior);

  /// A reboot: all mappings are gone, and the attributes are read again.
  void Restart();
  /// As Restart(), with these external addresses from now on.
  void Restart(std::vector<IpAddress> external);

  /// Takes the random numbers of port allocation from one stream of the simulation's seed and run. Returns how many
  /// streams were used: 1.
  std::int64_t AssignStreams(std::int64_t stream);
  /// Takes them from a stream of Weft's own, apart from ns-3's seeds.
  void SetRandomStream(std::uint64_t seed, const std::string& name);

  /// Whether it changes addresses of `family`.
  bool Translates(IpFamily family);
  const std::vector<IpAddress>& GetExternalAddresses() const { return external_; }
  /// The engine, for its counters.
  nat::Nat& GetNat();

  /**
   * \brief A packet has been let through, and is sent after this call.
   * \param [in] before the packet as it came, with its IP header
   * \param [in] after the packet as it leaves
   * \param [in] fromInside whether it came from inside
   */
  typedef void (*TranslateTracedCallback)(ns3::Ptr<const ns3::Packet> before, ns3::Ptr<const ns3::Packet> after,
                                          bool fromInside);
  /**
   * \brief A packet has been dropped.
   * \param [in] packet the packet as it came, with its IP header
   * \param [in] reason "no_mapping", "filtered", "udp_blocked", …: the words of sim/nat/nat.h
   * \param [in] fromInside whether it came from inside
   */
  typedef void (*DropTracedCallback)(ns3::Ptr<const ns3::Packet> packet, const std::string& reason, bool fromInside);

 protected:
  void DoDispose() override;

 private:
  nat::Behavior Described() const;
  void Receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);
  void Send(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<ns3::Packet> packet);
  /// Schedules SendDue for what the engine says of its own accord.
  void Wake();
  void SendDue();

  // Attributes.
  std::string model_;
  int mapping_ = 0, filtering_ = 0, allocation_ = 0, hairpinning_ = 0, refusal_ = 0;  // values of sim/nat/behavior.h
  std::uint32_t subscriber_limit_ = 0;
  ns3::Time udp_replied_, udp_unreplied_, tcp_established_;

  bool described_elsewhere_ = false;  // by SetBehavior
  nat::Behavior behavior_;
  std::vector<IpAddress> external_;
  IpAddress inside_address_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<nat::Nat> nat_;
  ns3::Ptr<ns3::NetDevice> inside_, outside_;
  ns3::EventId wake_;

  ns3::TracedCallback<ns3::Ptr<const ns3::Packet>, ns3::Ptr<const ns3::Packet>, bool> translate_trace_;
  ns3::TracedCallback<ns3::Ptr<const ns3::Packet>, const std::string&, bool> drop_trace_;
  ns3::TracedValue<std::uint32_t> mappings_{0};
};

}  // namespace weft::stack

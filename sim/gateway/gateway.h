// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/gateway/frame.h"
#include "sim/gateway/impairment.h"
#include "sim/gateway/packet_port.h"
#include "sim/nat/behavior.h"
#include "sim/nat/nat.h"

namespace weft::io {
class Host;
}

namespace weft::gateway {

struct GatewayOptions {
  std::string inside;  // interface names
  std::string outside;
  nat::Behavior behavior;
  /// Ours outside, each with the length of its on-link prefix (32 or 128: nothing is on link). The kernel has none of
  /// them.
  std::vector<Prefix> external;
  std::vector<IpAddress> inside_addresses;  // ours inside, if the kernel is to have none there
  std::optional<IpAddress> proxy_address;   // of the model's HTTP proxy, a host inside
  std::vector<IpAddress> via;               // next hops outside, at most one a family; none: everything is on link
  LinkShape up;                             // of what leaves by the outside
  LinkShape down;
  std::uint64_t seed = 1;
  std::string pcap;  // writes PCAP-inside.pcap and PCAP-outside.pcap; empty: none
};

struct GatewayCounters {
  PortCounters inside, outside;
  LinkCounters up, down;
  std::uint64_t too_big = 0;  // answered by ICMP, or cut into fragments
  std::uint64_t malformed = 0;
  std::uint64_t no_neighbour = 0;  // the next hop is not known (yet): held
};

/// nat::Nat as a process between two Ethernet interfaces of a network namespace whose kernel does not forward
/// (docs/design/003-gateway.md). Runs on `loop`'s thread.
class Gateway {
 public:
  /// Errors: usage and refused as PacketPort::open; usage if the addresses cannot work; io for the capture files.
  /// `loop` and `host`, which runs on it, outlive the gateway.
  static Result<std::unique_ptr<Gateway>> start(host::AsioLoop& loop, io::Host& host, GatewayOptions options);
  ~Gateway();

  nat::Nat& nat();
  std::uint32_t inside_index() const;
  /// The addresses of the inside interface, the kernel's or ours.
  const std::vector<IpAddress>& inside_addresses() const;
  const LinkShape& up() const;
  const LinkShape& down() const;
  void set_link(const LinkShape& up, const LinkShape& down);
  /// Tells the link address of a neighbour inside or outside, which is never asked for then: a next hop, or a host that
  /// another router leads to.
  void tell_neighbour(nat::Side side, const IpAddress& address, const Mac& mac);
  /// Forgets every mapping; new external addresses if given. Errors: usage if they cannot work.
  Result<void> restart(std::optional<std::vector<Prefix>> external = std::nullopt);
  const std::vector<Prefix>& external() const;
  GatewayCounters counters();

 private:
  class Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::gateway

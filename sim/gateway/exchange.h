// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/gateway/frame.h"
#include "sim/gateway/impairment.h"

namespace weft::host {
class AsioLoop;
}
namespace weft::io {
class Host;
}

namespace weft::gateway {

/// The next hops of everything that is plugged into an exchange; it answers ARP and Neighbour Discovery for them.
inline constexpr IpAddress kExchangeAddress = IpAddress::v4(169, 254, 255, 1);
inline constexpr IpAddress kExchangeAddressV6 = IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

/// What is plugged in at one interface.
struct ExchangePort {
  std::string interface;
  Mac mac{};  // of the other end of the wire
  std::uint16_t region = 0;
  std::vector<IpAddress> addresses;
  LinkShape up, down;  // the access link; up: towards the exchange
};

/// The way from one region to another.
struct RegionWay {
  Duration delay{0};
  std::uint32_t loss_ppm = 0;
  bool cut = false;  // everything is lost, silently
};

struct ExchangeOptions {
  std::vector<std::vector<RegionWay>> ways;  // [from][to], square
  std::uint8_t hops = 8;                     // routers between any two ports
  std::uint64_t seed = 1;
  std::size_t large = 0;  // packets of at least this many bytes are `large` in flows(); 0: none
};

/// Packets from one port to another, by their interfaces.
struct ExchangeFlow {
  std::uint64_t packets = 0, bytes = 0, large = 0;
  Time first_large{};
};

struct ExchangeCounters {
  std::uint64_t malformed = 0, no_route = 0, ttl_expired = 0, cut = 0, lost = 0, overflowed = 0;
};

/// The Internet of a laboratory in network namespaces, as one process: a matrix of ways between regions with access
/// links before and behind it, like sim/fabric's. A packet waits in the access link of its sender, then in the way
/// between the regions, then in the access link of its receiver; `hops` routers take from its TTL. Runs on `loop`'s
/// thread.
class Exchange {
 public:
  /// `loop` and `host`, which runs on it, outlive the exchange.
  Exchange(host::AsioLoop& loop, io::Host& host, ExchangeOptions options);
  ~Exchange();

  /// Errors: usage if the interface is plugged in already or the region unknown; as PacketPort::open.
  Result<void> attach(const ExchangePort& port);
  /// Errors for these: usage if nothing is plugged in there.
  Result<void> detach(const std::string& interface);
  Result<void> set_link(const std::string& interface, const LinkShape& up, const LinkShape& down);
  Result<void> set_addresses(const std::string& interface, const std::vector<IpAddress>& addresses);
  /// Errors: usage for an unknown region.
  Result<void> set_way(std::uint16_t from, std::uint16_t to, const RegionWay& way);

  /// Sees every packet that a port sends, before anything happens to it.
  std::function<void(ByteView ip_packet)> on_packet;

  const std::map<std::pair<std::string, std::string>, ExchangeFlow>& flows() const;
  ExchangeCounters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::gateway

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::sim {

/// Bytes of IP packets that the relays of a world have put on their own wires, by what they are for.
class RelayTraffic {
 public:
  void add_relay(const IpAddress& address) { relays_.push_back(address); }
  void see(ByteView ip_packet);
  /// `tunnels`: WireGuard's messages, over UDP; `probes`: path probes and plans, over UDP; `stun`; `streams`: all that
  /// goes over TCP; `others`: above all what keeps relay over UDP open.
  std::map<std::string, std::uint64_t> bytes() const {
    return {{"tunnels", tunnels_}, {"probes", probes_}, {"stun", stun_}, {"streams", streams_}, {"others", others_}};
  }

 private:
  std::vector<IpAddress> relays_;
  std::uint64_t tunnels_ = 0, probes_ = 0, stun_ = 0, streams_ = 0, others_ = 0;
};

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::test {

/// Three network namespaces of this kernel, of which the outer two have no addresses: whole IP packets are put on their
/// wires, and read from them, as they are.
///
///     10.0.0.0/8 [wire] --veth-- [gateway: nftables masquerade] --veth-- [wire] 172.16.0.0/12
///
/// The gateway owns 203.0.113.1, drops what comes unsolicited, and forwards nothing that conntrack calls invalid. Gone
/// with the object. The calling thread stays on one processor meanwhile, so packets arrive in the order they were sent.
class PacketGateway {
 public:
  PacketGateway();
  ~PacketGateway();
  PacketGateway(const PacketGateway&) = delete;
  PacketGateway& operator=(const PacketGateway&) = delete;

  /// False without the permission or the programs.
  bool ready() const { return ready_; }
  /// Sends a packet from one side; what leaves on the other, or nullopt. Known as soon as a packet that was sent behind
  /// it, past all rules, has come through.
  std::optional<Bytes> send_out(ByteView packet) { return pass(inside_, packet, outside_); }
  std::optional<Bytes> send_in(ByteView packet) { return pass(outside_, packet, inside_); }
  /// Seconds that conntrack still gives the flow of `protocol` ("udp", "tcp", "icmp") from `internal` to `remote`;
  /// nullopt if it knows none. Ports are identifiers for ICMP.
  std::optional<int> seconds_left(const std::string& protocol, const Endpoint& internal, const Endpoint& remote);
  /// Forgets all flows.
  void flush();

 private:
  struct Wire {
    std::string name;
    int socket = -1;
    int index = 0;
    Bytes gateway_mac;
    Endpoint follow_up;
  };
  bool build();
  bool open(Wire& wire, const std::string& gateway_interface);
  std::optional<Bytes> pass(Wire& from, ByteView packet, Wire& to);
  void put(Wire& wire, ByteView packet);
  /// The next IPv4 packet; nullopt if none comes for a while.
  std::optional<Bytes> take(Wire& wire);

  std::string prefix_;
  Wire inside_, outside_;
  std::uint16_t sent_ = 0;
  bool ready_ = false;
};

}  // namespace weft::test

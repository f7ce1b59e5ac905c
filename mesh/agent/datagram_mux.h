// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/packet.h"
#include "mesh/io/datagram_run.h"
#include "mesh/path/candidate.h"

namespace weft::io {
class Host;
struct UdpOptions;
}  // namespace weft::io

namespace weft::agent {

enum class DatagramKind : std::uint8_t { stun, wireguard, probe, relay, unknown };
/// By the first bytes, in the order of mechanisms.md 4 (docs/protocol.md).
DatagramKind classify(ByteView datagram);

/// The agent's UDP sockets, one per address family on the same port and perhaps one for each further interface, and
/// what arrives on them, told apart by its first bytes.
class DatagramMux {
 public:
  struct Handlers {
    std::function<void(std::span<PacketSlot>)> on_wireguard;  // .path and .ecn are set
    std::function<void(const PathId& from, ByteView)> on_probe;
    std::function<void(std::uint16_t socket, const Endpoint& from, ByteView)> on_stun;
    /// Relay over UDP. Returns the relay's number if what lies behind relay::kUdpDataHeader is a WireGuard message,
    /// which then goes to on_wireguard; deals with anything else itself.
    std::function<std::optional<std::uint16_t>(const Endpoint& from, ByteView)> on_relay;
    /// Datagrams that a peer wants carried, changed in their place.
    std::function<void(std::span<PacketSlot>)> on_carry = {};
    /// A datagram that a peer has carried. Returns the path if what lies behind relay::kUdpDataHeader is a WireGuard
    /// message, as on_relay.
    std::function<std::optional<PathId>(const PathId& from, ByteView)> on_carried = {};
    /// ICMP says that a datagram on this path was too big for a link of `mtu` bytes (0: not said). The socket's own
    /// 5-tuple was quoted; nothing else vouches for it.
    std::function<void(const PathId& path, std::uint32_t mtu)> on_too_big = {};
    /// Sends on a stream that carries datagrams; false if it was dropped.
    std::function<bool(std::uint16_t stream, ByteView datagram)> send_stream = {};
  };
  struct Counters {
    std::uint64_t received = 0, sent = 0, unknown = 0, icmp = 0, send_failed = 0;
  };

  explicit DatagramMux(io::Host& host);
  ~DatagramMux();

  /// Port 0: a free one. A host without one of the families has one socket. Errors: port_taken, io.
  Result<void> open(std::uint16_t port, Handlers handlers);
  /// The sockets of open(), one per family, then those of open_uplink_socket().
  std::vector<path::LocalSocket> sockets() const;
  /// One more socket on a free port, for a search; what arrives goes to the same handlers. Its number is not that of
  /// any other open socket. Errors: io.
  Result<std::uint16_t> open_search_socket(IpFamily family);
  /// One more lasting socket on a free port, which sends and receives by that interface only. Errors: as open_udp.
  Result<std::uint16_t> open_uplink_socket(IpFamily family, const std::string& interface);
  /// Closes a socket of one of these two; those of open() stay.
  void close_socket(std::uint16_t socket);
  /// The interface of a socket of open_uplink_socket(); empty for others.
  std::string interface(std::uint16_t socket) const;
  /// 0 if there is no such socket.
  std::uint16_t port(std::uint16_t socket = 0) const;

  /// `ttl` 0: the host's default.
  void send(std::uint16_t socket, const Endpoint& to, ByteView datagram, std::uint8_t ttl = 0,
            bool dont_fragment = false);
  /// Sends `head` and `datagram` as one from the socket of the destination's family.
  void send_joined(const Endpoint& to, ByteView head, ByteView datagram);
  /// The same on a direct path.
  void send_joined(const PathId& to, ByteView head, ByteView datagram, bool dont_fragment);
  /// Sends each slot that is ready and whose .path is direct on that path, with its .ecn.
  void send(std::span<const PacketSlot> slots);
  /// Datagrams that another lane's socket of the number in .path got and left to us.
  void receive_passed_on(std::span<PacketSlot> datagrams);
  /// The same of an ICMP error.
  void receive_error(std::uint16_t socket, const IcmpError& error) { report(socket, error); }
  /// The addresses of the sockets of open(), which lanes share.
  std::vector<Endpoint> shared_addresses() const;
  /// A datagram from a stream.
  void receive_stream(const PathId& from, ByteView datagram);
  Counters counters() const;

 private:
  Result<std::uint16_t> open_further(const io::UdpOptions& options);
  Result<void> open_family(IpFamily family, std::uint16_t port);
  bool is_open(std::uint16_t socket) const { return socket < sockets_.size() && sockets_[socket]; }
  void receive(std::uint16_t socket, std::span<DatagramSlot> slots);
  void send_stream(std::uint16_t stream, ByteView datagram);
  void sort(PacketSlot& datagram);
  void sort_relayed(PacketSlot& datagram);
  void collect(const PacketSlot& datagram);
  void hand_on();
  void send_scratch(std::uint16_t socket, const Endpoint& to, std::uint8_t ttl, bool dont_fragment = false);
  void report(std::uint16_t socket, const IcmpError& error);

  io::Host& host_;
  Handlers handlers_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;  // null: a search socket that was closed
  std::size_t lasting_ = 0;                              // the first ones, those of open()
  std::map<std::uint16_t, std::string> uplinks_;         // by socket: its interface
  io::SlotBatch wireguard_, carry_;
  io::OutgoingRun outgoing_;
  Counters counters_;  // what went through outgoing_ apart
  Bytes scratch_;
};

}  // namespace weft::agent

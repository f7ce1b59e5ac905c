// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft {

/// Room that every slot keeps before and behind its content: a WireGuard transport header and a Poly1305 tag.
inline constexpr std::size_t kSlotHeadRoom = 16;
inline constexpr std::size_t kSlotTailRoom = 16;
/// Most slots one call of an io interface or of seal()/open() moves.
inline constexpr std::size_t kMaxBatch = 128;

/// A window into an arena that the host owns. Memory is `capacity` bytes from `arena` (16-byte aligned); the content is
/// `length` bytes from `offset`. Copying a Slot copies the window, never the bytes. Ownership of the memory returns to
/// the host when the call that passed the slot returns.
struct Slot {
  std::uint8_t* arena = nullptr;
  std::uint32_t capacity = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;

  std::uint8_t* data() const { return arena + offset; }
  MutableByteView bytes() const { return {arena + offset, length}; }
  std::size_t head_room() const { return offset; }
  std::size_t tail_room() const { return capacity - offset - length; }
  /// Moves the content's start: positive `count` drops bytes at the front, negative takes head room.
  void advance(std::int32_t count) {
    offset = static_cast<std::uint32_t>(static_cast<std::int64_t>(offset) + count);
    length = static_cast<std::uint32_t>(static_cast<std::int64_t>(length) - count);
  }
};

/// RFC 3168 §5; the value is the field's.
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// An ICMP or ICMPv6 error about a datagram sent earlier (RFC 792, RFC 4443), attributed to the socket that sent it.
struct IcmpError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t mtu = 0;   // next-hop MTU of "fragmentation needed" and "packet too big", else 0
  IpAddress reporter;      // who sent the ICMP message
  Endpoint quoted_source;  // 5-tuple of the datagram it is about
  Endpoint quoted_destination;
};

/// Why one item of a batch was not sent.
enum class SendError : std::uint8_t { none, would_block, too_big, unreachable, not_permitted, other };

/// What travels beside the bytes of a datagram, in both directions.
struct DatagramMeta {
  Endpoint source;  // on send: unspecified address means the host's choice
  Endpoint destination;
  std::uint32_t interface_index = 0;  // 0: unknown on receive (as on a socket bound to one address), any on send
  std::uint8_t ttl = 0;  // 0: unknown on receive (see io::UdpOptions::tell_ttl), the host's default on send
  bool dont_fragment = false;
  Ecn ecn = Ecn::not_ect;
  /// 0: one datagram. Otherwise the content is a run of datagrams of this size, the last one possibly shorter
  /// (UDP_SEGMENT on send, UDP_GRO on receive); the simulated network splits it at the modelled interface.
  std::uint16_t segment_size = 0;
  SendError send_error = SendError::none;  // set by UdpSocket::send
  std::optional<IcmpError> icmp;           // receive only: the slot then carries no datagram
};

/// A UDP datagram (or a run of equal-sized ones) in a slot.
struct DatagramSlot {
  Slot slot;
  DatagramMeta meta;
};

/// The segmentation that a packet still needs (virtio_net_hdr): what a TUN device leaves to its reader or takes from
/// its writer.
struct PacketOffload {
  enum class Segmentation : std::uint8_t { none, tcp4, tcp6, udp_l4 };
  Segmentation segmentation = Segmentation::none;
  std::uint16_t segment_size = 0;     // payload bytes per segment
  bool needs_checksum = false;        // the L4 checksum holds only the pseudo-header sum
  std::uint16_t checksum_start = 0;   // where L4 begins
  std::uint16_t checksum_offset = 0;  // of the checksum field, from checksum_start
};

/// Names a way to a peer: one of our sockets and a remote endpoint, or a relay. Opaque to mesh/wireguard; made by the
/// path selector (or by the roaming rule for stock peers).
struct PathId {
  std::uint16_t socket = 0;  // index in the datagram multiplexer
  std::uint16_t relay = 0;   // 0: direct; otherwise the relay's number in the network map
  Endpoint remote;           // unspecified when relayed

  bool relayed() const { return relay != 0; }
  friend constexpr auto operator<=>(const PathId&, const PathId&) = default;
};

/// What became of a packet in seal() or open(). Anything but `ready` ends here; the owner counts it.
enum class PacketVerdict : std::uint8_t {
  pending,   // not looked at yet
  ready,     // sealed: send on `path`; opened: write to the TUN
  staged,    // no session yet: copied into the peer's queue, a handshake is under way
  consumed,  // a control message or keepalive: handled inside
  no_peer,   // no allowed IP covers the destination, or unknown receiver index or key
  no_path,   // the peer is known, a way to it is not
  malformed,
  bad_tag,
  replayed,
  bad_source,  // decrypted, but the inner source address is not the peer's (cryptokey routing)
  expired,     // keys past their limits
  overflow,    // a bounded queue was full
};

/// An IP packet at the TUN side of a core.
struct PacketSlot {
  Slot slot;
  PacketOffload offload;
  PacketVerdict verdict = PacketVerdict::pending;
  PathId path;             // set by seal(): where the sealed datagram goes; by open(): where it came from
  std::uint32_t peer = 0;  // set by seal() and open(): the core's number of the peer
  Ecn ecn = Ecn::not_ect;  // seal(): the outer mark to set (RFC 6040); open(): the outer mark that arrived
};

/// A control datagram that a core wants sent; it owns its bytes.
struct OutgoingDatagram {
  PathId path;
  std::uint32_t peer = 0;  // whom it is for (needed when relayed), the core's number
  Bytes bytes;
  std::uint8_t ttl = 0;  // 0: the host's default
  /// It asks whether so much gets through: DF on a direct path, and never by the stream of a relay that data reaches
  /// over UDP.
  bool dont_fragment = false;
};

}  // namespace weft

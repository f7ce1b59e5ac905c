// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay {

/// Never 0, never reused.
using SessionId = std::uint64_t;

/// Where a client's datagrams come from, as the relay sees it.
struct UdpAddress {
  std::uint16_t socket = 0;  // the owner's number of the socket that they come to
  Endpoint remote;
  IpAddress local;  // of ours, which answers must leave by; unspecified: unknown
  friend bool operator==(const UdpAddress&, const UdpAddress&) = default;
};

/// The clients' bindings of UDP addresses at a relay, and their channels. No protocol of streams: see Hub.
class UdpTable {
 public:
  struct Leg;
  /// One direction of a pair: what its owner names a peer.
  struct Channel {
    UdpChannel number = 0;
    SessionId owner = 0;
    const Leg* leg = nullptr;  // the owner's
    crypto::PublicKey peer;
    Channel* back = nullptr;    // the peer's channel of the owner; null: it has none; see link()
    bool told = false;          // the number is on its way to the owner
    bool acknowledged = false;  // the owner has it
  };
  /// What a client may do over UDP.
  struct Leg {
    UdpKey key;
    UdpBinding binding = 0;
    std::uint64_t counter = 0;  // of the last proof
    std::optional<UdpAddress> address;
    std::unordered_map<crypto::PublicKey, Channel*> channels;
  };
  struct Outgoing {
    UdpAddress to;
    UdpControlBytes bytes;
  };

  explicit UdpTable(Entropy& entropy) : entropy_(entropy) {}
  UdpTable(const UdpTable&) = delete;
  UdpTable& operator=(const UdpTable&) = delete;

  /// Another binding for a client, whose address is to be shown anew; its channels stay.
  UdpBinding offer(SessionId session, const UdpKey& key);
  void forget(SessionId session);
  /// The leg of a client that is bound; else null.
  const Leg* bound(SessionId session) const;
  std::size_t legs() const { return legs_.size(); }

  /// A control datagram; what is to be answered comes out of poll_transmit().
  void handle_control(const UdpAddress& from, ByteView datagram);
  std::optional<Outgoing> poll_transmit();

  Channel* find(UdpChannel number);
  Channel* find(SessionId owner, const crypto::PublicKey& peer);
  /// The channel by which a bound client names a peer, made if there is none; null if the client is not bound or has
  /// kMaxChannels.
  Channel* open(SessionId owner, const crypto::PublicKey& peer);
  /// The two directions of a pair are each other's way back from now on, and nobody else's; null: there is none, so the
  /// other one has none. A way back is always mutual: forget() relies on it.
  static void link(Channel* a, Channel* b);

 private:
  UdpCookie cookie_for(UdpBinding binding, const UdpAddress& from);
  std::uint64_t draw();

  Entropy& entropy_;
  std::optional<crypto::SymmetricKey> cookie_key_;
  std::unordered_map<SessionId, Leg> legs_;
  std::unordered_map<UdpBinding, SessionId> by_binding_;
  std::unordered_map<UdpChannel, Channel> channels_;
  std::deque<Outgoing> outgoing_;
};

}  // namespace weft::relay

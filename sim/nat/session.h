// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/nat/behavior.h"
#include "sim/nat/hash_index.h"
#include "sim/nat/packet.h"

namespace weft::nat {

enum class Direction : std::uint8_t { outbound, inbound };

/// What the flags of a TCP flow have shown. Sequence numbers are not looked at.
class TcpState {
 public:
  /// Takes the flags of one segment. A SYN without ACK begins a closed flow anew.
  void note(Direction direction, std::uint8_t flags);
  /// Both sides' SYN have been seen, or the flow was picked up in its middle.
  bool established() const { return (seen_ & (kSynOut | kSynIn)) == (kSynOut | kSynIn); }
  /// Both sides' FIN, or a RST.
  bool closed() const { return (seen_ & (kFinOut | kFinIn)) == (kFinOut | kFinIn) || (seen_ & kReset); }

 private:
  enum Seen : std::uint8_t { kSynOut = 1, kSynIn = 2, kFinOut = 4, kFinIn = 8, kReset = 16 };
  std::uint8_t seen_ = 0;
};

/// One flow between an internal endpoint, by way of its binding, and a remote endpoint. Timers: `expires`, moved by
/// packets of the refreshing direction.
struct Session {
  Endpoint remote;
  std::uint32_t binding = HashIndex::kNone;
  std::uint32_t next_in_binding = HashIndex::kNone;
  std::uint32_t previous_in_binding = HashIndex::kNone;
  std::uint32_t generation = 0;  // distinguishes the users of one record
  Time created;
  Time expires;
  bool in_use = false;
  bool outbound_seen = false;
  bool inbound_seen = false;
  bool keeps_binding = false;
  bool leaves_by_binding = false;  // outbound packets to `remote` belong to it
  TcpState tcp;
};

/// How long a session in this state lives without another packet.
Duration lifetime(const Session& session, Protocol protocol, const Lifetimes& lifetimes, Time now);

}  // namespace weft::nat

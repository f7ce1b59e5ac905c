// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/time.h"
#include "sim/nat/behavior.h"
#include "sim/nat/key.h"

namespace weft::nat {

enum class Direction : std::uint8_t { outbound, inbound };

/// What the flags of a TCP flow have shown. Sequence numbers are not looked at.
class TcpState {
 public:
  /// Takes the flags of one segment. A SYN without ACK begins a closed flow anew.
  void note(Direction direction, std::uint8_t flags);
  /// Both sides' SYN have been seen, or the flow was picked up in its middle.
  bool established() const { return (seen_ & (kSynOut | kSynIn)) == (kSynOut | kSynIn); }
  /// One side's FIN.
  bool half_closed() const { return seen_ & (kFinOut | kFinIn); }
  bool reset() const { return seen_ & kReset; }
  /// Both sides' FIN, or a RST.
  bool closed() const { return (seen_ & (kFinOut | kFinIn)) == (kFinOut | kFinIn) || reset(); }

 private:
  enum Seen : std::uint8_t { kSynOut = 1, kSynIn = 2, kFinOut = 4, kFinIn = 8, kReset = 16 };
  std::uint8_t seen_ = 0;
};

/// One flow between an internal endpoint, by way of its binding, and a remote endpoint. Timers: `expires`, moved by
/// packets of the refreshing direction. 40 bytes.
struct Session {
  Key remote;  // empty: the record is free
  Time created;
  Time expires;
  std::uint32_t binding = HashIndex::kNone;
  std::uint32_t next_in_binding = HashIndex::kNone;
  std::uint32_t previous_in_binding = HashIndex::kNone;
  std::uint16_t generation = 0;  // distinguishes the users of one record
  bool outbound_seen : 1 = false;
  bool inbound_seen : 1 = false;
  bool keeps_binding : 1 = false;
  bool leaves_by_binding : 1 = false;  // outbound packets to `remote` belong to it
  TcpState tcp;
};
static_assert(sizeof(Session) == 40);

/// How long a session in this state lives without another packet.
Duration lifetime(const Session& session, const Lifetimes& lifetimes, Time now);

}  // namespace weft::nat

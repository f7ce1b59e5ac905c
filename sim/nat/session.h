// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/time.h"
#include "sim/nat/behavior.h"
#include "sim/nat/key.h"

namespace weft::nat {

enum class Direction : std::uint8_t { outbound, inbound };

/// What a SYN without ACK is to a closed flow (TcpReopening::new_flow).
enum class SynAfterClose : std::uint8_t {
  new_flow,  // the closed one makes way
  ignored,   // passes as a packet of the closed flow, which opens again only if the far end answers
  invalid,   // belongs to no flow
};

/// What the flags of a TCP flow have shown. Sequence numbers are not looked at.
class TcpState {
 public:
  /// Takes the flags of one segment. On a closed flow a SYN without ACK begins it anew (same_flow), or is kept in mind
  /// until it is answered (new_flow; one that is not `ignored` never comes here).
  void note(Direction direction, std::uint8_t flags, TcpReopening reopening);
  /// Of a closed flow that `opener` began, as nf_conntrack_tcp_packet() of Linux decides: a connection in TIME-WAIT may
  /// be opened by either side; one that was reset, only by its opener, and only if a FIN came before the RST or the
  /// RST, its last packet, was the opener's own.
  SynAfterClose syn_after_close(Direction direction, Direction opener) const;
  /// Both sides' SYN have been seen, or the flow was picked up in its middle.
  bool established() const { return (seen_ & (kSynOut | kSynIn)) == (kSynOut | kSynIn); }
  /// One side's FIN.
  bool half_closed() const { return seen_ & (kFinOut | kFinIn); }
  /// Neither is there, and something has been seen: an acknowledgement changes nothing.
  bool open() const { return seen_ != 0 && !half_closed() && !reset(); }
  bool reset() const { return seen_ & kReset; }
  /// Both sides' FIN, or a RST.
  bool closed() const { return (seen_ & (kFinOut | kFinIn)) == (kFinOut | kFinIn) || reset(); }

 private:
  enum Seen : std::uint8_t { kSynOut = 1, kSynIn = 2, kFinOut = 4, kFinIn = 8, kReset = 16 };
  /// The last packet, as far as it matters to a closed flow. kTimeWait: both FINs and an acknowledgement have been
  /// seen.
  enum Last : std::uint8_t { kOther, kResetOut, kResetIn, kSynIgnoredOut, kSynIgnoredIn, kTimeWait };
  void note_last(bool out, std::uint8_t flags);

  std::uint8_t seen_ : 5 = 0;
  std::uint8_t last_ : 3 = kOther;
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
  bool begun_inside : 1 = false;
  TcpState tcp;
};
static_assert(sizeof(Session) == 40);

/// How long a session in this state lives without another packet.
Duration lifetime(const Session& session, const Lifetimes& lifetimes, Time now);

}  // namespace weft::nat

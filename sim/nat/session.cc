// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/session.h"

namespace weft::nat {

void TcpState::note(Direction direction, std::uint8_t flags, TcpReopening reopening) {
  const bool out = direction == Direction::outbound;
  if ((flags & kTcpSyn) && closed() && reopening == TcpReopening::new_flow) {
    if (!(flags & kTcpAck)) {
      last_ = out ? kSynIgnoredOut : kSynIgnoredIn;
    } else if (last_ == (out ? kSynIgnoredIn : kSynIgnoredOut)) {
      seen_ = kSynOut | kSynIn;
      last_ = kOther;
    }
    return;
  }
  if (flags & kTcpSyn) {
    if (closed() && !(flags & kTcpAck)) seen_ = 0;
    seen_ |= out ? kSynOut : kSynIn;
  } else if (seen_ == 0) {
    seen_ = kSynOut | kSynIn;
  }
  if (flags & kTcpFin) seen_ |= out ? kFinOut : kFinIn;
  if (flags & kTcpRst) seen_ |= kReset;
  note_last(out, flags);
}

void TcpState::note_last(bool out, std::uint8_t flags) {
  const bool both = (seen_ & (kFinOut | kFinIn)) == (kFinOut | kFinIn);
  if (flags & kTcpRst) {
    last_ = out ? kResetOut : kResetIn;
  } else if (last_ == kTimeWait) {
    return;
  } else {
    last_ = both && !reset() && !(flags & (kTcpSyn | kTcpFin)) ? kTimeWait : kOther;
  }
}

SynAfterClose TcpState::syn_after_close(Direction direction, Direction opener) const {
  if (last_ == kTimeWait) return SynAfterClose::new_flow;
  if (direction != opener) return SynAfterClose::invalid;
  const bool own_reset = last_ == (direction == Direction::outbound ? kResetOut : kResetIn);
  return reset() && (half_closed() || own_reset) ? SynAfterClose::new_flow : SynAfterClose::ignored;
}

Duration lifetime(const Session& session, const Lifetimes& lifetimes, Time now) {
  const Protocol protocol = session.remote.protocol();
  if (protocol == Protocol::icmp) return lifetimes.icmp_query;
  if (protocol == Protocol::tcp) {
    if (session.tcp.reset()) return lifetimes.tcp_reset;
    if (session.tcp.closed()) return lifetimes.tcp_closed;
    if (session.tcp.half_closed()) return lifetimes.tcp_half_closed;
    return session.tcp.established() ? lifetimes.tcp_established : lifetimes.tcp_transitory;
  }
  const bool replied = session.outbound_seen && session.inbound_seen;
  return replied && now >= session.created + lifetimes.udp_replied_after ? lifetimes.udp_replied
                                                                         : lifetimes.udp_unreplied;
}

}  // namespace weft::nat

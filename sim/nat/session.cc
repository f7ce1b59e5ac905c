// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/session.h"

namespace weft::nat {

void TcpState::note(Direction direction, std::uint8_t flags) {
  const bool out = direction == Direction::outbound;
  if (flags & kTcpSyn) {
    if (closed() && !(flags & kTcpAck)) seen_ = 0;
    seen_ |= out ? kSynOut : kSynIn;
  } else if (seen_ == 0) {
    seen_ = kSynOut | kSynIn;
  }
  if (flags & kTcpFin) seen_ |= out ? kFinOut : kFinIn;
  if (flags & kTcpRst) seen_ |= kReset;
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

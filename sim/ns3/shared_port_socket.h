// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/node.h>
#include <ns3/ptr.h>
#include <ns3/tcp-socket-base.h>

#include "mesh/base/ip.h"

namespace weft::stack {

/// An ns-3 TCP socket that connects from a port which others have too. ns-3's Bind() takes a local port for one socket;
/// its demultiplexer prefers the end point that names both sides, so this one is bound to all four, and a listener at
/// the port gets what is left. ns-3 resets a connection that both sides open at once, when the second SYN,ACK crosses
/// the first; this socket takes it for the acknowledgement that it is (RFC 9293 §3.5, figure 8).
class SharedPortSocket final : public ns3::TcpSocketBase {
 public:
  /// With the attributes that a socket of the node's TCP has.
  static ns3::Ptr<SharedPortSocket> create(ns3::Ptr<ns3::Node> node);
  explicit SharedPortSocket(const ns3::TcpSocketBase& plain) : TcpSocketBase(plain) {}

  /// Before Connect(), once. False: another socket has the same four.
  bool bind(const Endpoint& local, const Endpoint& remote);
  /// As TcpSocketBase, but a connection that does not stand yet ends without a RST, and an end point that never
  /// connected is given back.
  int Close() override;

 private:
  void DoForwardUp(ns3::Ptr<ns3::Packet> packet, const ns3::Address& from, const ns3::Address& to) override;
};

}  // namespace weft::stack

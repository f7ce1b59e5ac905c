// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/shared_port_socket.h"

#include <ns3/ipv4-end-point.h>
#include <ns3/ipv6-end-point.h>
#include <ns3/nstime.h>
#include <ns3/tcp-header.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/tcp-rx-buffer.h>
#include <ns3/tcp-socket-factory.h>
#include <ns3/tcp-socket-state.h>
#include <ns3/tcp-tx-buffer.h>

#include "sim/ns3/convert.h"

namespace weft::stack {

ns3::Ptr<SharedPortSocket> SharedPortSocket::create(ns3::Ptr<ns3::Node> node) {
  const auto plain =
      ns3::DynamicCast<ns3::TcpSocketBase>(ns3::Socket::CreateSocket(node, ns3::TcpSocketFactory::GetTypeId()));
  const ns3::Ptr<SharedPortSocket> socket(new SharedPortSocket(*plain), false);
  node->GetObject<ns3::TcpL4Protocol>()->RemoveSocket(plain);
  socket->SetConnTimeout(ns3::Seconds(1));  // RFC 6298 §2.1
  return socket;
}

bool SharedPortSocket::bind(const Endpoint& local, const Endpoint& remote) {
  const ns3::Ptr<ns3::NetDevice> any_device;
  if (remote.address.is_v4()) {
    m_endPoint =
        m_tcp->Allocate(any_device, to_ns3_v4(local.address), local.port, to_ns3_v4(remote.address), remote.port);
  } else {
    m_endPoint6 =
        m_tcp->Allocate6(any_device, to_ns3_v6(local.address), local.port, to_ns3_v6(remote.address), remote.port);
  }
  if (m_endPoint == nullptr && m_endPoint6 == nullptr) return false;
  m_tcp->AddSocket(this);
  return SetupCallback() == 0;
}

int SharedPortSocket::Close() {
  if (m_state != SYN_SENT && m_state != CLOSED) return TcpSocketBase::Close();
  if (m_endPoint != nullptr || m_endPoint6 != nullptr) CloseAndNotify();
  return 0;
}

void SharedPortSocket::DoForwardUp(ns3::Ptr<ns3::Packet> packet, const ns3::Address& from, const ns3::Address& to) {
  using ns3::TcpHeader;
  TcpHeader header;
  packet->PeekHeader(header);
  const bool syn = header.GetFlags() & TcpHeader::SYN;
  const bool answer = header.GetFlags() & TcpHeader::ACK;
  // The far end has missed our acknowledgement.
  if (syn && m_state == ESTABLISHED) return SendEmptyPacket(TcpHeader::ACK);
  if (syn && answer && m_state == SYN_RCVD &&
      header.GetAckNumber() == m_tcb->m_nextTxSequence + ns3::SequenceNumber32(1)) {
    packet->RemoveHeader(header);
    header.SetFlags(TcpHeader::ACK);
    header.SetSequenceNumber(header.GetSequenceNumber() + ns3::SequenceNumber32(1));
    // The window of a SYN is not scaled (RFC 7323 §2.2), that of an acknowledgement is.
    header.SetWindowSize(static_cast<std::uint16_t>(header.GetWindowSize() >> m_sndWindShift));
    packet->AddHeader(header);
  }
  TcpSocketBase::DoForwardUp(packet, from, to);
}

}  // namespace weft::stack

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_listener.h"

#include <ns3/tcp-socket-factory.h>

#include <utility>

#include "sim/ns3/convert.h"
#include "sim/ns3/ns3_stream.h"

namespace weft::stack {

Result<std::unique_ptr<io::StreamListener>> Ns3Listener::listen(Ns3Host& host, const Endpoint& local,
                                                                io::AcceptHandler on_accept) {
  if (!local.address.is_unspecified() && !host.owns(local.address)) {
    return fail(ErrorCode::io, "cannot listen on " + local.to_string() + ": not an address of " + host.name());
  }
  const auto claimed = host.tcp_ports().claim(local);
  if (!claimed) {
    return fail(ErrorCode::port_taken,
                "TCP port " + local.to_string() + " is in use on " + host.name() + ": choose another");
  }
  auto socket = ns3::Socket::CreateSocket(host.node(), ns3::TcpSocketFactory::GetTypeId());
  tune_tcp(*socket, local.address.family());
  // ns-3 refuses an address and port that a stream accepted by an earlier listener still has; the wildcard it takes.
  const Endpoint wildcard{IpAddress::any(claimed->address.family()), claimed->port};
  if ((socket->Bind(to_ns3(*claimed)) != 0 && socket->Bind(to_ns3(wildcard)) != 0) || socket->Listen() != 0) {
    host.tcp_ports().release(*claimed);
    return fail(ErrorCode::port_taken,
                "TCP port " + claimed->to_string() + " is in use on " + host.name() + ": choose another");
  }
  return std::unique_ptr<io::StreamListener>(new Ns3Listener(host, *claimed, socket, std::move(on_accept)));
}

Ns3Listener::Ns3Listener(Ns3Host& host, const Endpoint& local, ns3::Ptr<ns3::Socket> socket,
                         io::AcceptHandler on_accept)
    : host_(host),
      local_(local),
      socket_(std::move(socket)),
      acceptor_(std::make_shared<Acceptor>(&host, std::move(on_accept))) {
  using SocketPtr = ns3::Ptr<ns3::Socket>;
  socket_->SetAcceptCallback(ns3::Callback<bool, SocketPtr, const ns3::Address&>(
                                 [acceptor = acceptor_](SocketPtr, const ns3::Address&) { return acceptor->open; }),
                             ns3::Callback<void, SocketPtr, const ns3::Address&>(
                                 [acceptor = acceptor_](SocketPtr accepted_socket, const ns3::Address& from) {
                                   accepted(acceptor, accepted_socket, from_ns3(from));
                                 }));
}

void Ns3Listener::accepted(const std::shared_ptr<Acceptor>& acceptor, ns3::Ptr<ns3::Socket> socket,
                           const Endpoint& remote) {
  if (!acceptor->open || !acceptor->host->powered()) {
    socket->Close();
    return;
  }
  // The stream exists at once, so that it misses nothing; its owner hears of it on a later turn.
  auto stream =
      std::make_shared<std::unique_ptr<Ns3Stream>>(std::make_unique<Ns3Stream>(*acceptor->host, socket, remote));
  acceptor->host->post([acceptor, stream] {
    if (acceptor->open) acceptor->on_accept(std::move(*stream));
  });
}

Ns3Listener::~Ns3Listener() {
  acceptor_->open = false;
  socket_->Close();
  host_.tcp_ports().release(local_);
}

}  // namespace weft::stack

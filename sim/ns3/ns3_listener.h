// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/ptr.h>
#include <ns3/socket.h>

#include <memory>

#include "mesh/io/stream.h"
#include "sim/ns3/ns3_host.h"

namespace weft::stack {

/// io::StreamListener over an ns-3 TCP socket.
class Ns3Listener final : public io::StreamListener {
 public:
  static Result<std::unique_ptr<io::StreamListener>> listen(Ns3Host& host, const Endpoint& local,
                                                            io::AcceptHandler on_accept);
  ~Ns3Listener() override;
  Endpoint local_endpoint() const override { return local_; }

 private:
  /// What ns-3's copies of the listening socket's callbacks hold on to: they outlive the listener.
  struct Acceptor {
    Ns3Host* host;
    io::AcceptHandler on_accept;
    bool open = true;
  };
  Ns3Listener(Ns3Host& host, const Endpoint& local, ns3::Ptr<ns3::Socket> socket, io::AcceptHandler on_accept);
  static void accepted(const std::shared_ptr<Acceptor>& acceptor, ns3::Ptr<ns3::Socket> socket, const Endpoint& remote);

  Ns3Host& host_;
  Endpoint local_;
  ns3::Ptr<ns3::Socket> socket_;
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace weft::stack

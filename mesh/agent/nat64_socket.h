// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/ip.h"
#include "mesh/io/host.h"
#include "mesh/io/udp_socket.h"

namespace weft::agent {

/// An IPv4 socket that speaks IPv6 where the network has nothing else: endpoints are inside the NAT64's prefix on the
/// wire, and IPv4 above; sizes and types of ICMP errors too (RFC 7915 §5.2). What has no IPv4 address inside, such as
/// an inner router that reports, keeps its own.
class Nat64Socket final : public io::UdpSocket {
 public:
  /// `on_end` runs when it is destroyed. Both sockets below are opened when they are needed first.
  Nat64Socket(io::Host& host, io::UdpOptions options, std::function<void(Nat64Socket&)> on_end);
  ~Nat64Socket() override;

  /// From now on through this prefix, or by IPv4. Errors: as io::Host::open_udp; it then sends nothing.
  Result<void> follow(const std::optional<Prefix>& prefix);

  void start_receive(ReceiveHandler handler) override;
  std::size_t send(std::span<DatagramSlot> items) override;
  /// The port is that of the socket in use.
  Endpoint local_endpoint() const override;

 private:
  void listen(io::UdpSocket& socket, bool translated);
  void receive_translated(std::span<DatagramSlot> items) const;
  std::size_t send_translated(std::span<DatagramSlot> items);

  io::Host& host_;
  io::UdpOptions options_;
  std::function<void(Nat64Socket&)> on_end_;
  std::optional<Prefix> prefix_;
  std::shared_ptr<ReceiveHandler> handler_;
  std::unique_ptr<io::UdpSocket> v4_, v6_;
};

}  // namespace weft::agent

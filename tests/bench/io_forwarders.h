// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>

#include "mesh/base/ip.h"
#include "mesh/host/file_descriptor.h"

namespace weft::bench {

/// Processor time of this thread.
double thread_seconds();

/// Passes on what comes in, as a tunnel without a cipher would: from a UDP socket or a TUN device to a UDP socket, in
/// batches, with UDP_GRO and UDP_SEGMENT, and with the ancillary data that Weft asks for.
class Forwarder {
 public:
  virtual ~Forwarder() = default;
  /// Where datagrams to be forwarded go; of a TUN device, an address that is routed into it.
  virtual Endpoint local() const = 0;
  /// Until `count` datagrams or packets more have been passed on.
  virtual void forward(std::size_t count) = 0;
};

/// Over io::UdpSocket and io::TunDevice, as services use them.
std::unique_ptr<Forwarder> make_udp_interface_forwarder(const Endpoint& to);
std::unique_ptr<Forwarder> make_tun_interface_forwarder(const Endpoint& to);
/// By epoll_wait, recvmmsg, read and sendmmsg, with nothing between.
std::unique_ptr<Forwarder> make_udp_direct_forwarder(const Endpoint& to);
std::unique_ptr<Forwarder> make_tun_direct_forwarder(const Endpoint& to);

/// Bursts of datagrams on the loopback interface, and where they end.
class UdpLoad {
 public:
  /// `gso`: a burst is a few super-datagrams, otherwise single ones.
  explicit UdpLoad(bool gso);
  Endpoint sink() const;
  /// Sends a burst; returns how many datagrams.
  std::size_t send(const Endpoint& to);
  /// Throws away what has arrived at the sink.
  void drain();

 private:
  host::FileDescriptor sender_, sink_;
  bool gso_;
};

/// Bursts of IPv4 packets of 1,400 bytes that need no offload: echo requests from a raw socket. Needs root.
class EchoLoad {
 public:
  EchoLoad();
  /// Sends a burst; returns how many packets.
  std::size_t send(const Endpoint& to);

 private:
  host::FileDescriptor raw_;
};

}  // namespace weft::bench

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft::sim {

/// Traffic of one of ns-3's own applications through the overlay, whatever the fidelity below the tunnel; in the kernel
/// world, of programs that send the same.
struct FlowPlan {
  enum class Kind : std::uint8_t {
    bulk_send,   // ns3::BulkSendApplication over TCP to a PacketSink
    on_off,      // ns3::OnOffApplication over UDP to a PacketSink
    udp_echo,    // ns3::UdpEchoClient to a UdpEchoServer
    iperf3_tcp,  // the program, in the kernel world only
    iperf3_udp,
  };
  Kind kind = Kind::bulk_send;
  IpAddress destination;
  Time start;
  std::optional<Time> stop;     // nullopt: when all is sent
  std::uint64_t bytes = 0;      // bulk_send, on_off: how much to send; 0: until `stop`
  std::uint32_t packet = 1024;  // bytes of payload in a datagram; bulk_send: of one write to TCP
  std::uint64_t rate_bps = 0;   // on_off: while it is on; iperf3: 0 is as fast as TCP goes
  Duration on = 1s, off{0};     // on_off
  Duration interval = 1s;       // udp_echo
  std::uint64_t count = 1;      // udp_echo
};

/// What the applications have seen so far. For udp_echo the bytes are those that came back.
struct FlowSample {
  std::uint64_t received = 0;  // bytes of payload
  std::uint64_t packets = 0;   // deliveries to the receiving application
  std::optional<Time> first, last;
};

/// A flow under way; the applications themselves end with the world.
class FlowRun {
 public:
  virtual ~FlowRun() = default;
  virtual FlowSample sample() const = 0;
};

}  // namespace weft::sim

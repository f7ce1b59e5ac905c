// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/ptr.h>
#include <ns3/socket.h>

#include <deque>
#include <memory>

#include "mesh/io/udp_socket.h"
#include "sim/ns3/ns3_host.h"

namespace weft::stack {

/// io::UdpSocket over an ns-3 UDP socket. TTL, ECN and don't-fragment are set for each datagram; datagrams above the
/// MTU are fragmented by ns-3's IP. An item's source may only be the address that ns-3 would choose.
class Ns3UdpSocket final : public io::UdpSocket {
 public:
  static Result<std::unique_ptr<io::UdpSocket>> open(Ns3Host& host, const io::UdpOptions& options);
  Ns3UdpSocket(Ns3Host& host, const Endpoint& local, ns3::Ptr<ns3::Socket> socket);
  ~Ns3UdpSocket() override;

  void start_receive(ReceiveHandler handler) override;
  std::size_t send(std::span<DatagramSlot> items) override;
  Endpoint local_endpoint() const override { return local_; }

  /// Whether a datagram from, or to, `local` is this socket's.
  bool covers(const Endpoint& local) const;
  /// Delivers a datagram that did not come through ns-3's own socket.
  void take(const DatagramMeta& meta, ByteView content, std::uint64_t cause);
  /// Delivers an ICMP error about a datagram of this socket.
  void report(const IcmpError& error);
  void power_off();

 private:
  struct Arrival {
    Bytes arena;
    std::uint32_t length = 0;
    DatagramMeta meta;
    std::uint64_t cause = 0;  // its event in the trace
  };
  SendError send_one(const DatagramMeta& meta, ByteView content);
  void set_fields(const DatagramMeta& meta);
  void readable(ns3::Ptr<ns3::Socket> socket);
  void read(ns3::Ptr<ns3::Packet> packet, const Endpoint& source);
  void flush();
  void schedule_flush();
  void close();

  Ns3Host& host_;
  Endpoint local_;
  ns3::Ptr<ns3::Socket> socket_;
  std::shared_ptr<ReceiveHandler> handler_;
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
  std::deque<Arrival> arrivals_;
  bool flush_posted_ = false;
  bool dont_fragment_ = false;
  bool live_ = true;
};

}  // namespace weft::stack

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "mesh/base/error.h"
#include "mesh/base/random.h"
#include "mesh/io/stream.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/tcp_connection.h"

namespace weft::fabric {

class EventLoop;
class FabricHost;
class FabricListener;
class Packet;

/// The TCP connections and listeners of a host.
class TcpLayer {
 public:
  TcpLayer(FabricHost& host, std::uint64_t seed);
  ~TcpLayer();

  std::unique_ptr<io::Stream> connect(const Endpoint& remote);
  Result<std::unique_ptr<io::StreamListener>> listen(const Endpoint& local, io::AcceptHandler on_accept);
  Result<std::unique_ptr<io::StreamPort>> open_port(const Endpoint& local, io::AcceptHandler on_accept);
  /// From a port that a listener of this host may have as well.
  std::unique_ptr<io::Stream> connect_from(std::uint16_t port, const Endpoint& remote);
  void receive(Packet& packet, const IpView& ip);
  void receive_error(const IcmpErrorView& error);
  void power_off();

  /// For TcpConnection.
  void send(const Endpoint& from, const Endpoint& to, std::uint8_t flags, std::uint32_t sequence,
            std::uint32_t acknowledgment, std::uint16_t window, std::span<const SackBlock> sacks, ByteView payload);
  void accepted(TcpConnection& connection);
  void forget(TcpConnection& connection);
  EventLoop& loop();
  FabricHost& host() { return host_; }
  std::uint32_t segment_size(IpFamily family) const;

 private:
  friend class FabricListener;
  std::unique_ptr<io::Stream> open(const Endpoint& local, const Endpoint& remote, bool routed);
  using Pair = std::pair<Endpoint, Endpoint>;  // local, remote
  struct PairHash {
    std::size_t operator()(const Pair& pair) const noexcept;
  };
  FabricListener* find_listener(const Endpoint& local) const;
  bool port_taken(const Endpoint& local) const;
  void on_syn(const Pair& pair, const TcpSegment& segment);
  void refuse(const Pair& pair, const TcpSegment& segment);

  FabricHost& host_;
  SeededRandom random_;
  std::unordered_map<Pair, std::shared_ptr<TcpConnection>, PairHash> connections_;
  std::map<Endpoint, FabricListener*> listeners_;
};

}  // namespace weft::fabric

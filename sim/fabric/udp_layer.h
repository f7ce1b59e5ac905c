// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/headers.h"

namespace weft::fabric {

class FabricHost;
class Packet;
class UdpLayer;

class FabricUdpSocket final : public io::UdpSocket {
 public:
  FabricUdpSocket(UdpLayer& layer, Endpoint local, std::string interface)
      : layer_(layer), local_(local), interface_(std::move(interface)) {}
  ~FabricUdpSocket() override;
  void start_receive(ReceiveHandler handler) override;
  std::size_t send(std::span<DatagramSlot> items) override;
  Endpoint local_endpoint() const override { return local_; }

  void deliver(DatagramSlot& item);

 private:
  friend class UdpLayer;
  SendError send_one(const DatagramSlot& item);
  UdpLayer& layer_;
  Endpoint local_;
  std::string interface_;  // empty: any
  bool live_ = true;       // false once the plug was pulled
  std::shared_ptr<ReceiveHandler> handler_;
};

/// The UDP sockets of a host: demultiplexing, ports, and datagrams to and from packets.
class UdpLayer {
 public:
  explicit UdpLayer(FabricHost& host) : host_(host) {}
  Result<std::unique_ptr<io::UdpSocket>> open(const io::UdpOptions& options);
  void receive(Packet& packet, const IpView& ip);
  /// Fetches ahead what receive() will touch: in step 0 the list of sockets, in step 1 the first of them.
  void approach(unsigned step) const;
  void receive_error(const IcmpErrorView& error);
  /// Forgets all sockets; their objects stay, deaf and dumb, until their owners destroy them.
  void power_off();

 private:
  friend class FabricUdpSocket;
  SendError send(const FabricUdpSocket& from, const DatagramMeta& meta, ByteView payload);
  FabricUdpSocket* find(const Endpoint& local) const;
  bool taken(const Endpoint& local, const std::string& interface) const;
  void remove(FabricUdpSocket& socket);

  FabricHost& host_;
  std::vector<FabricUdpSocket*> sockets_;
  std::uint16_t identification_ = 0;
};

}  // namespace weft::fabric

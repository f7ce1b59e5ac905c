// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "mesh/base/assert.h"
#include "mesh/host/asio_host.h"
#include "mesh/io/tun_device.h"
#include "mesh/io/udp_socket.h"
#include "tests/bench/io_forwarders.h"

namespace weft::bench {
namespace {

/// What both have: a host, and the socket that things leave by.
class InterfaceForwarder : public Forwarder {
 public:
  explicit InterfaceForwarder(const Endpoint& to) : to_(to) {
    auto host = host::AsioHost::create(loop_, {.state_directory = "", .log_level = TraceLevel::error});
    WEFT_ASSERT(host.has_value());
    host_ = std::move(*host);
    out_ = open_udp();
  }
  void forward(std::size_t count) override {
    wanted_ += count;
    while (forwarded_ < wanted_) loop_.run_one(1s);
  }

 protected:
  std::unique_ptr<io::UdpSocket> open_udp() {
    auto socket = host_->open_udp({.local = {IpAddress::v4(127, 0, 0, 1), 0}});
    WEFT_ASSERT(socket.has_value());
    return std::move(*socket);
  }
  /// One item to send; `datagrams` in it.
  void add(const Slot& slot, std::uint16_t segment_size, std::size_t datagrams) {
    DatagramSlot& item = outgoing_[count_++] = {};
    item.slot = slot;
    item.meta.destination = to_;
    item.meta.segment_size = segment_size;
    forwarded_ += datagrams;
  }
  void flush() { out_->send({outgoing_.data(), std::exchange(count_, 0)}); }
  io::Host& host() { return *host_; }

 private:
  Endpoint to_;
  host::AsioLoop loop_;
  std::unique_ptr<host::AsioHost> host_;
  std::unique_ptr<io::UdpSocket> out_;
  std::array<DatagramSlot, kMaxBatch> outgoing_;
  std::size_t count_ = 0, forwarded_ = 0, wanted_ = 0;
};

class UdpForwarder final : public InterfaceForwarder {
 public:
  explicit UdpForwarder(const Endpoint& to) : InterfaceForwarder(to), in_(open_udp()) {
    in_->start_receive([this](std::span<DatagramSlot> items) {
      for (const auto& [slot, meta] : items) {
        const std::size_t segment = meta.segment_size;
        add(slot, meta.segment_size, segment == 0 ? 1 : (slot.length + segment - 1) / segment);
      }
      flush();
    });
  }
  Endpoint local() const override { return in_->local_endpoint(); }

 private:
  std::unique_ptr<io::UdpSocket> in_;
};

class TunForwarder final : public InterfaceForwarder {
 public:
  explicit TunForwarder(const Endpoint& to) : InterfaceForwarder(to) {
    auto tun = host().open_tun({.name = "bench0", .mtu = 1420, .addresses = {{IpAddress::v4(10, 1, 0, 1), 32}}});
    WEFT_ASSERT(tun.has_value() && (*tun)->set_routes({{IpAddress::v4(10, 1, 0, 0), 24}}).has_value());
    tun_ = std::move(*tun);
    tun_->start_receive([this](std::span<PacketSlot> packets) {
      for (const PacketSlot& packet : packets) add(packet.slot, 0, 1);
      flush();
    });
  }
  Endpoint local() const override { return {IpAddress::v4(10, 1, 0, 2), 0}; }

 private:
  std::unique_ptr<io::TunDevice> tun_;
};

}  // namespace

std::unique_ptr<Forwarder> make_udp_interface_forwarder(const Endpoint& to) {
  return std::make_unique<UdpForwarder>(to);
}
std::unique_ptr<Forwarder> make_tun_interface_forwarder(const Endpoint& to) {
  return std::make_unique<TunForwarder>(to);
}

}  // namespace weft::bench

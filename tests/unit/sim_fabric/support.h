// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"

namespace weft::fabric {

inline IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// A UDP socket that keeps what it hears.
class Ear {
 public:
  struct Heard {
    Time at;
    Bytes content;
    DatagramMeta meta;
  };
  Ear(FabricHost& host, Endpoint local, const std::string& interface = {})
      : host_(host), socket_(std::move(*host.open_udp({.local = local, .interface = interface}))) {
    socket_->start_receive([this](std::span<DatagramSlot> items) {
      for (const DatagramSlot& item : items) {
        heard.push_back({host_.internet().now(), to_bytes(item.slot.bytes()), item.meta});
      }
    });
  }
  SendError send(const Endpoint& to, Bytes content, DatagramMeta meta = {}) {
    meta.destination = to;
    content.insert(content.begin(), kSlotHeadRoom, 0);
    content.resize(content.size() + kSlotTailRoom);
    const auto capacity = static_cast<std::uint32_t>(content.size());
    DatagramSlot slot{{content.data(), capacity, kSlotHeadRoom, capacity - 32}, meta};
    socket_->send({&slot, 1});
    return slot.meta.send_error;
  }
  Endpoint local() const { return socket_->local_endpoint(); }
  std::vector<Heard> heard;

 private:
  FabricHost& host_;
  std::unique_ptr<io::UdpSocket> socket_;
};

}  // namespace weft::fabric

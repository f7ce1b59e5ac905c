// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "sim/fabric/applications.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"

namespace weft::agent::test {

/// ICMP echo over the overlay: answers requests, and remembers when its own were answered.
class Echo {
 public:
  Echo(fabric::Network& network, fabric::FabricHost& host) : network_(network), host_(host) {
    receiver_ = host_.applications().add_receiver([this](ByteView packet) { receive(packet); });
  }
  ~Echo() { host_.applications().remove_receiver(receiver_); }

  /// Returns the sequence number.
  std::uint16_t send(const IpAddress& to) {
    const auto sequence = ++last_sequence_;
    sent_[sequence] = network_.now();
    host_.applications().send(packet(host_.applications().address(IpFamily::v4), to, 8, sequence));
    return sequence;
  }
  bool answered(std::uint16_t sequence) const { return answered_.contains(sequence); }
  std::optional<Duration> round_trip(std::uint16_t sequence) const {
    if (!answered(sequence)) return std::nullopt;
    return answered_.at(sequence) - sent_.at(sequence);
  }
  std::size_t answers() const { return answered_.size(); }
  std::size_t requests_heard() const { return heard_; }
  std::optional<Time> last_heard() const { return last_heard_; }

 private:
  static Bytes packet(const IpAddress& from, const IpAddress& to, std::uint8_t type, std::uint16_t sequence) {
    Writer writer;
    writer.u8(0x45).u8(0).u16be(20 + 8 + 24).u32be(0).u8(64).u8(1).u16be(0).bytes(from.bytes()).bytes(to.bytes());
    writer.patch_u16be(10, checksum(writer.view()));
    Writer icmp;
    icmp.u8(type).u8(0).u16be(0).u16be(0x5757).u16be(sequence).bytes(as_bytes("weft canary in plaintext"));
    icmp.patch_u16be(2, checksum(icmp.view()));
    return to_bytes(writer.bytes(icmp.view()).view());
  }
  static std::uint16_t checksum(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += load_u16be(bytes.data() + i);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }
  void receive(ByteView packet_bytes) {
    if (packet_bytes.size() < 28 || packet_bytes[9] != 1) return;
    const auto source = *IpAddress::from_bytes(packet_bytes.subspan(12, 4));
    const auto destination = *IpAddress::from_bytes(packet_bytes.subspan(16, 4));
    const auto sequence = load_u16be(packet_bytes.data() + 26);
    last_heard_ = network_.now();
    if (packet_bytes[20] == 8) {
      ++heard_;
      host_.applications().send(packet(destination, source, 0, sequence));
    } else if (packet_bytes[20] == 0) {
      answered_[sequence] = network_.now();
    }
  }

  fabric::Network& network_;
  fabric::FabricHost& host_;
  std::uint32_t receiver_ = 0;
  std::uint16_t last_sequence_ = 0;
  std::size_t heard_ = 0;
  std::optional<Time> last_heard_;
  std::map<std::uint16_t, Time> sent_, answered_;
};

}  // namespace weft::agent::test

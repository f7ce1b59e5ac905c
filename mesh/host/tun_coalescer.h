// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mesh/base/packet.h"

namespace weft::host {

/// The headers of a super-packet; the payloads of its packets follow.
struct MergedHeaders {
  std::array<std::uint8_t, 40 + 60> bytes;
  std::size_t length = 0;  // also of each packet's own headers
  PacketOffload offload;
};

/// Puts the packets of a batch into runs that may enter the machine as one super-packet each, which could be cut into
/// just these packets again. Those of a run are of one TCP or UDP flow, alike in every header field that segmentation
/// does not recompute, of one payload size (the last may be shorter), and have right checksums: nothing is vouched for
/// that was not verified. TCP segments are adjacent in sequence and without flags other than ACK (and PSH on the last).
/// Flows may be interleaved; within each the order stays, since a packet joins only the last run of its flow.
class TunCoalescer {
 public:
  struct Run {
    std::size_t first = 0;  // its first packet; next() names the others
    std::size_t count = 0;
    std::size_t last = 0;
    std::size_t length = 0;  // of the super-packet
    bool open = false;       // may grow
  };

  /// Runs in the order in which they are to enter the machine, each packet in one; at most kMaxBatch packets, which
  /// must stay as long as the result is used. `udp`: the device takes UDP super-packets.
  std::span<const Run> plan(std::span<const PacketSlot> packets, bool udp);
  /// The packet of the same run behind `packet`.
  std::size_t next(std::size_t packet) const { return next_[packet]; }
  /// Of a run of two or more.
  MergedHeaders headers(const Run& run) const;

 private:
  /// A TCP segment or UDP datagram.
  struct Packet {
    ByteView bytes;
    std::uint16_t transport = 0;  // where its header begins
    std::uint16_t payload = 0;    // where its payload begins
    bool tcp = false;
    bool plain = false;  // may be part of a run

    bool v4() const { return transport == 20; }
    std::size_t payload_length() const { return bytes.size() - payload; }
    std::uint32_t sequence() const { return load_u32be(&bytes[transport + 4]); }
    bool push() const { return tcp && (bytes[transport + 13] & 0x08) != 0; }
    ByteView addresses() const { return v4() ? bytes.subspan(12, 8) : bytes.subspan(8, 32); }
    bool same_flow(const Packet& other) const;
    bool right_checksums() const;
  };
  /// How the flow of a packet is found again.
  enum class Kind : std::uint8_t { flow, unknown_flow, other };

  static Kind parse(const PacketSlot& slot, Packet& packet);
  static bool continues(const Packet& first, const Packet& last, const Packet& next, std::size_t position);
  Run* find_flow(const Packet& packet);
  void begin_run(std::size_t packet, bool flow);
  bool append(Run& run, std::size_t packet);

  static constexpr std::size_t kFlows = 16;  // that are told apart at a time
  std::array<Packet, kMaxBatch> packets_;
  std::array<std::uint16_t, kMaxBatch> next_;
  std::array<Run, kMaxBatch> runs_;
  std::size_t run_count_ = 0;
  std::array<std::uint16_t, kFlows> flows_;  // their last runs
  std::size_t flow_count_ = 0;               // ever begun since the last barrier; the newest kFlows are known
};

}  // namespace weft::host

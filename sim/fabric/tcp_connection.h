// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/io/stream.h"
#include "sim/fabric/event_loop.h"

namespace weft::fabric {

class TcpLayer;

/// A range that a receiver holds beyond a hole (RFC 2018), by sequence numbers.
struct SackBlock {
  std::uint32_t begin = 0, end = 0;
};
inline constexpr std::size_t kMaxSack = 3;

/// One TCP segment as it came in (RFC 9293 §3.1).
struct TcpSegment {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint32_t sequence = 0, acknowledgment = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::array<SackBlock, kMaxSack> sack_blocks{};
  std::size_t sack_count = 0;
  ByteView payload;
  std::span<const SackBlock> sacks() const { return {sack_blocks.data(), sack_count}; }
};
inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16;

/// A segment model of TCP: three-way handshake, simultaneous open, cumulative acknowledgements, slow start and NewReno
/// recovery, retransmission after max(200 ms, RTT rule of RFC 6298), receive window, FIN and RST. What it leaves out is
/// in docs/models.md. It lives in the host's table until both sides have ended, also without its stream.
///
/// Offsets count from the SYN (0); the first byte of data is 1.
class TcpConnection final : public std::enable_shared_from_this<TcpConnection>, private Alarm {
 public:
  enum class State : std::uint8_t { syn_sent, syn_received, open, dead };

  TcpConnection(TcpLayer& layer, Endpoint local, Endpoint remote, std::uint32_t initial_sequence);

  void connect();
  void accept(const TcpSegment& syn);
  void receive(const TcpSegment& segment);
  void receive_icmp(bool too_big, std::uint32_t mtu);
  /// Ends without a packet: the plug was pulled.
  void kill();
  /// No packet can be sent at all; told on a later turn.
  void fail_later(Error error);

  // The stream's side.
  void start(io::StreamHandlers handlers);
  std::size_t write(ByteView bytes);
  std::size_t queued() const { return static_cast<std::size_t>(end_offset() - std::max(next_, first_)); }
  void close();
  void detach();
  const Endpoint& local() const { return local_; }
  const Endpoint& remote() const { return remote_; }

 private:
  std::uint64_t end_offset() const { return first_ + out_.size() - out_start_; }
  std::uint64_t in_flight() const { return next_ - acked_; }
  std::uint32_t receive_window() const;
  void emit(std::uint8_t flags, std::uint64_t offset, std::size_t length);
  void acknowledge() { emit(kAck, next_, 0); }
  void push();
  void resend_first();
  void resend(std::uint64_t offset, std::uint64_t limit);
  bool resend_hole();
  void note_sacks(const TcpSegment& segment);
  std::uint64_t sacked_bytes() const;
  std::size_t report_reordered(std::array<SackBlock, kMaxSack>& blocks) const;
  std::uint32_t wire_of(std::uint64_t offset) const { return send_base_ + static_cast<std::uint32_t>(offset); }
  void arm_retransmission();
  void ring() override;  // retransmission, or the end of waiting
  void on_syn_sent(const TcpSegment& segment);
  bool opened();
  void on_ack(std::uint64_t ack, bool bare);
  void on_new_ack(std::uint64_t ack);
  void sample_rtt(std::uint64_t ack);
  void on_payload(std::uint64_t offset, ByteView payload);
  void deliver(ByteView payload);
  void drain_reordered();
  void on_fin();
  void settle();
  void catch_up();
  void report_closed(Error error);
  void fail(ErrorCode code, const std::string& what);
  void finish();

  TcpLayer& layer_;
  const Endpoint local_, remote_;
  State state_ = State::syn_sent;

  // Sending: out_ from out_start_ holds the bytes from first_ on; acked_ <= next_ <= sent_.
  const std::uint32_t send_base_;
  Bytes out_;
  std::size_t out_start_ = 0;
  std::uint64_t first_ = 1, acked_ = 0, next_ = 0, sent_ = 0;
  std::uint64_t congestion_window_, slow_start_limit_ = UINT64_MAX, recover_ = 0;
  std::uint64_t peer_window_ = 65'535, resent_to_ = 0;
  std::map<std::uint64_t, std::uint64_t> sacked_;  // begin -> end, what the peer holds beyond holes
  std::uint32_t segment_size_;
  int duplicate_acks_ = 0, retries_ = 0;
  bool connecting_ = false;  // by connect(), not by accept()
  bool recovering_ = false, end_queued_ = false, end_acked_ = false;
  Duration retransmission_timeout_ = 1s, smoothed_rtt_{0}, rtt_variation_{0};
  std::optional<std::pair<std::uint64_t, Time>> timed_;  // an offset whose acknowledgement gives an RTT sample

  // Receiving.
  std::uint32_t receive_base_ = 0;
  std::uint64_t received_ = 0;  // next offset expected
  std::map<std::uint64_t, Bytes> reordered_;
  std::uint64_t last_reordered_ = 0;
  std::optional<std::uint64_t> peer_end_;
  bool peer_ended_ = false;

  // The owner.
  std::shared_ptr<io::StreamHandlers> handlers_;
  Bytes waiting_;  // came before start()
  std::optional<Error> end_to_report_;
  bool started_ = false, detached_ = false, closing_ = false, reported_ = false, short_write_ = false;
};

}  // namespace weft::fabric

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/base/optional_time.h"
#include "mesh/base/time.h"

namespace weft::path {

/// Finds the largest datagram that one path carries, by padded probes that are answered (RFC 8899). Sizes are those of
/// UDP payloads on a direct path and of what a relay is given on a relayed one. States:
///
///     base       the full size is asked for: what the TUN device's MTU needs. Most paths carry it, and that was all
///     ladder     it did not come through: sizes that links are known to have, all at once
///     narrow     up to four sizes between the largest that came through and the smallest that did not, until they are
///                kStep apart. An ICMP "too big" begins here with the size that it names
///     complete   the size is known (RFC 8899 §5.2: search complete). While large datagrams are sent, one probe of that
///                size is sent each kConfirm: three in a row without an answer are a black hole, and the ladder begins
///                again. A size below the full one is tried to be raised after kRaise, then ever more rarely
///
/// A size counts as too big only if something else was answered meanwhile: a dead path says nothing about sizes. An
/// ICMP error is a hint, never believed without a probe. Until the first answer the full size is taken for granted:
/// what is then too large may be fragmented, or is lost for the second or two that a search takes.
class MtuProbe {
 public:
  enum class State : std::uint8_t { base, ladder, narrow, complete };

  /// WireGuard pads its content to this (paper §5.4.6), so finer steps gain nothing.
  static constexpr std::uint16_t kStep = 16;
  /// What WireGuard adds to a packet: header and tag.
  static constexpr std::uint16_t kTunnelOverhead = 32;
  /// Smaller paths are not looked for.
  static constexpr std::uint16_t kLeast = 256 + kTunnelOverhead;
  static constexpr Duration kConfirm = 2s;
  static constexpr unsigned kMaxProbes = 3;  // RFC 8899 §5.1.2
  static constexpr Duration kRaise = 60s;
  static constexpr Duration kMaxRaise = 600s;  // RFC 8899 §5.1.1, PMTU_RAISE_TIMER
  static constexpr Duration kBetweenHints = 1s;

  /// `full`: the largest datagram that anybody will want to send; `overhead`: what IP, UDP and perhaps a relay's header
  /// add to a datagram on the wire.
  MtuProbe(std::uint16_t full, std::uint16_t overhead) : full_(full), overhead_(overhead), room_(full) {}

  /// Begins, or begins anew on a path that may have changed: the last known size stays in use until probes say
  /// otherwise.
  void start(Time now, Duration rtt, Duration delay = 0ms);
  /// A probe of `size` was answered.
  void handle_answer(Time now, std::uint16_t size);
  /// The path is alive: something other than one of our probes was answered.
  void handle_alive() { alive_ = true; }
  /// A datagram on this path was reported as too big for a link of `mtu` bytes.
  void handle_too_big(Time now, std::uint32_t mtu);
  /// Data was sent, the largest datagram of which had `size` bytes.
  void handle_data_sent(Time now, std::size_t size);
  void handle_rtt(Duration rtt) { rtt_ = rtt; }

  void handle_timeout(Time now);
  /// Size of a probe that is due; call until empty, as far as the budget allows.
  std::optional<std::uint16_t> take_due(Time now);
  std::optional<Time> next_deadline() const;

  /// The largest datagram that had better be sent.
  std::uint16_t room() const { return room_; }
  /// The same on the wire: the path MTU.
  std::uint16_t path_mtu() const { return static_cast<std::uint16_t>(room_ + overhead_); }
  State state() const { return state_; }
  /// Whether any probe was sent since start().
  bool asked() const;
  std::uint16_t full() const { return full_; }

 private:
  enum class Question : std::uint8_t { size, hint, confirm, raise };
  void ask(Time at, Question question, std::vector<std::uint16_t> sizes, unsigned passes);
  void pass(Time at);
  void ask_alive(Time now);
  void conclude(Time now);
  void conclude_hint(Time now);
  void retry_later(Time now);
  void climb(Time now);
  void narrow(Time now);
  void complete(Time now);
  void black_hole(Time now);
  std::uint16_t above(std::uint16_t size) const;
  Duration patience() const;

  std::uint16_t full_;
  std::uint16_t overhead_;
  std::uint16_t room_;
  std::uint16_t low_ = 0;          // the largest that came through
  std::uint16_t high_ = 0;         // the smallest that did not; beyond full_: none
  std::uint16_t before_hint_ = 0;  // low_ of the time before an ICMP error
  State state_ = State::base;
  Question question_ = Question::size;
  std::vector<std::uint16_t> asked_;  // ascending: what is not answered yet
  std::vector<std::uint16_t> queue_;  // of these, what is to be sent in this pass
  unsigned passes_left_ = 0;
  OptionalTime send_at_, give_up_at_;
  bool alive_ = false;
  unsigned dead_passes_ = 0;
  Duration rtt_{100ms};
  Duration raise_after_ = kRaise;
  OptionalTime confirm_at_, raise_at_, hints_from_;
};

std::string_view name(MtuProbe::State state);

}  // namespace weft::path

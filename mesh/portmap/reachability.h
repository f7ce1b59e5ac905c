// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "mesh/base/deadlines.h"
#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"

namespace weft::portmap {

/// Somebody outside is asked to send `token` to `port` of the address by which it knows us.
struct DialBackWanted {
  std::array<std::uint8_t, 16> token{};
  std::uint16_t port = 0;
};

/// What a round of questions found. `seen`: the address that was dialled, which need not be the one that the gateway
/// names.
struct ReachabilityFound {
  bool reachable = false;
  std::optional<IpAddress> seen;
};

/// Whether a mapped port can be reached from outside: a gateway that grants and renews need not let anything in. A
/// round asks for up to kTries datagrams; the first that arrives ends it as reachable, kTries that were sent and did
/// not arrive as unreachable. While nobody outside can dial there is no verdict. A mapping that was reachable is tried
/// again each kRecheck. Timers: the next question (`ask`), the wait for its answer and datagram (`wait`).
class Reachability {
 public:
  static constexpr unsigned kTries = 5;
  /// From a question to the next while its datagram has not come.
  static constexpr Duration kWait = 700ms;
  /// No answer to a question: the helper knows nothing of it, or has gone.
  static constexpr Duration kNoAnswer = 5s;
  /// After that, and after a refusal: the next question.
  static constexpr Duration kLater = 30s;
  static constexpr Duration kRecheck = 5min;

  explicit Reachability(Random& random) : random_(random) {}

  /// A port has been mapped or given up (nullopt). A new round begins for another port than before.
  void set_port(Time now, std::optional<std::uint16_t> port);
  /// Asks now rather than at the next turn: the network or the helper is another.
  void check(Time now);
  /// Whether a helper is connected; without one, questions wait.
  void set_helper(Time now, bool available);
  /// The helper's answer. `sent` false: it does not dial, or not now.
  void handle_answer(Time now, const std::array<std::uint8_t, 16>& token, bool sent, std::optional<IpAddress> seen);
  /// The datagram has come; tokens that were not asked for are ignored.
  void handle_arrival(Time now, const std::array<std::uint8_t, 16>& token);

  void handle_timeout(Time now);
  std::optional<DialBackWanted> poll_request();
  std::optional<ReachabilityFound> poll_event();
  std::optional<Time> next_deadline() const {
    return helper_ ? deadlines_.earliest() : deadlines_.get(Timer::wait);  // questions wait for a helper
  }

 private:
  enum class Timer : std::uint8_t { ask, wait, count_ };

  void begin(Time at);
  void ask(Time now);
  void finish(Time now, bool reachable);

  Random& random_;
  std::optional<std::uint16_t> port_;
  bool helper_ = false;
  std::array<std::uint8_t, 16> token_{};  // of this round
  unsigned asked_ = 0, sent_ = 0;         // in this round
  bool answered_ = false;                 // the last question
  bool arrived_ = false;
  std::optional<IpAddress> seen_;
  Deadlines<Timer> deadlines_;
  std::optional<DialBackWanted> request_;
  std::optional<ReachabilityFound> found_;
};

}  // namespace weft::portmap

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay {

/// Unanswered hellos follow each other after this, or two round trips if they are longer, then twice as long each, up
/// to the longest.
inline constexpr Duration kUdpFirstRetry = 250ms;
inline constexpr Duration kUdpLongestRetry = 60s;
/// Bound, and heard nothing over UDP this long: ask. Below what NATs forget a mapping after.
inline constexpr Duration kUdpIdle = 20s;
/// The same while sending.
inline constexpr Duration kUdpTrafficIdle = 500ms;
/// Asked while sending: the stream carries what is sent from this long after, or two round trips if they are longer,
/// until something is heard. So after a rest the first datagrams take the stream, which loses none.
inline constexpr Duration kUdpGrace = 300ms;
/// Asked, and no answer this long, or two round trips if they are longer: ask once more, then take UDP for lost.
inline constexpr Duration kUdpAnswer = 1s;

/// A client's binding of its UDP address at one relay. States: resting (no offer), seeking, bound. Timer: `next_`, for
/// the next hello or the end of waiting for its answer. The owner sends what poll_transmit() gives from the socket that
/// takes the peers' datagrams, so that one mapping of a NAT serves both.
class UdpClient {
 public:
  struct Outgoing {
    Endpoint to;
    UdpControlBytes bytes;
  };

  /// `relay`: where the relay's UDP sockets are, tried in turn; may be empty: then nothing is ever sent.
  explicit UdpClient(std::vector<Endpoint> relay) : endpoints_(std::move(relay)) {}

  /// The relay's offer: seeks an answer from now on. `rtt`: of the stream, as a first guess.
  void start(Time now, const UdpKey& key, UdpBinding binding, Duration rtt);
  /// Forgets the offer.
  void stop();
  void handle_datagram(Time now, const Endpoint& from, ByteView control);
  void handle_timeout(Time now);
  std::optional<Outgoing> poll_transmit() { return std::exchange(outgoing_, std::nullopt); }
  std::optional<Time> next_deadline() const { return next_; }

  /// A data datagram came on a channel of ours; only while from() is the relay's.
  void heard(Time now);
  /// Whether data should go over UDP now. Asks for an answer if nothing was heard for a while.
  bool want_send(Time now);
  /// The network may have changed: asks at once, and the stream carries data until there is an answer.
  void check(Time now);

  bool possible() const { return !endpoints_.empty(); }
  bool bound() const { return state_ == State::bound; }
  /// Whether datagrams of the relay come from there.
  bool from_relay(const Endpoint& from) const { return state_ != State::resting && from == relay(); }
  /// Where it is bound, or tries now.
  const Endpoint& relay() const { return endpoints_[at_ % endpoints_.size()]; }
  /// True once after a binding was lost: it needs another offer.
  bool take_lost() { return std::exchange(lost_, false); }

 private:
  enum class State : std::uint8_t { resting, seeking, bound };

  void hello(Time now);
  Duration first_retry() const { return std::max<Duration>(kUdpFirstRetry, 2 * rtt_); }
  Duration patience() const { return std::max<Duration>(kUdpAnswer, 2 * rtt_); }
  void send(UdpType type, const UdpCookie& cookie);

  std::vector<Endpoint> endpoints_;
  std::size_t at_ = 0;
  State state_ = State::resting;
  UdpKey key_;
  UdpBinding binding_ = 0;
  std::uint64_t counter_ = 0;  // of the last datagram sent
  Duration retry_ = kUdpFirstRetry;
  Time last_heard_{};
  Time asked_{};  // when the last question was
  Duration rtt_{0};
  int unanswered_ = 0;
  bool doubted_ = false;
  bool lost_ = false;
  std::optional<Time> next_;
  std::optional<Outgoing> outgoing_;
};

}  // namespace weft::relay

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/agent/relay_link.h"

namespace weft::agent {

/// The relays this agent is connected to: its own home relay always; all of a map that has no more than kFew, so that
/// the first packet to a peer with another home need not wait for a connection; of a larger one those of its peers (at
/// most kMaxOpen in all) while datagrams pass, and kIdle longer.
class RelayLinks {
 public:
  static constexpr std::size_t kMaxOpen = 8;
  static constexpr std::size_t kFew = 3;
  static constexpr Duration kIdle = 60s;
  /// A relay that was never open gets this long before the next one of the map is tried in its place.
  static constexpr Duration kHomePatience = 5s;

  explicit RelayLinks(RelayLinkContext context);

  void set_relays(const std::map<std::uint16_t, control::RelayRecord>& relays);
  /// Nothing is dialled before the first admission.
  void set_admission(Bytes admission);
  /// Opens the relay if it is known and not open yet.
  void want(std::uint16_t relay);
  /// False: unknown relay, or its queue is full.
  bool send(std::uint16_t relay, const crypto::PublicKey& to, ByteView datagram, bool sized = false);
  /// What waits in relays that are not open yet for this peer.
  std::vector<Bytes> take_waiting(const crypto::PublicKey& to);
  bool ready(std::uint16_t relay) const;
  /// Asks the home relay to send to a port of ours; false: it is not ready.
  bool dial_back(const relay::DialRequest& request);
  /// Ready, and owes no answer.
  bool usable(std::uint16_t relay) const;
  /// The relay where peers find us; 0: none yet.
  std::uint16_t home() const { return home_; }
  std::optional<Duration> rtt(std::uint16_t relay) const;
  /// Whether the relay is ready and answers over UDP.
  bool udp(std::uint16_t relay) const;
  struct UdpReceived {
    std::uint16_t relay = 0;
    crypto::PublicKey from;
    ByteView datagram;
  };
  /// A datagram of relay over UDP; nullopt if it is of no relay of ours, or brings nothing for us.
  std::optional<UdpReceived> handle_udp(const Endpoint& from, ByteView datagram);
  /// The name in the map; empty if unknown.
  std::string name(std::uint16_t relay) const;
  /// This relay is nearer: it becomes the home relay as soon as it is open.
  void prefer(std::uint16_t relay);
  void network_changed();
  /// A direct path has become suspect: the ways to the relays may have gone with it.
  void doubt();

  /// home() is another than before.
  std::function<void()> on_home;

 private:
  std::uint16_t next_after(std::uint16_t relay) const;
  void choose_home(std::uint16_t after);
  void set_home(std::uint16_t relay);
  void watch_home();
  bool few() const { return relays_.size() <= kFew; }
  void want_few();
  void tick();
  void close_idle();
  RelayLink* find(std::uint16_t relay) const;

  RelayLinkContext context_;
  std::map<std::uint16_t, control::RelayRecord> relays_;
  std::map<std::uint16_t, std::unique_ptr<RelayLink>> links_;
  std::vector<std::unique_ptr<RelayLink>> retired_;
  std::uint16_t home_ = 0;
  std::uint16_t preferred_ = 0;  // 0: none waits to become home
  Time preferred_since_{};
  bool rescue_ = false;          // preferred_ is there for a home that does not answer
  bool home_was_ready_ = false;  // since it is home
  std::optional<Time> home_lost_;
  CoreTimer timer_;
};

}  // namespace weft::agent

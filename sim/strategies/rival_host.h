// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "mesh/crypto/keys.h"
#include "mesh/stun/client.h"
#include "sim/strategies/rival.h"

namespace weft::io {
class Host;
class Timer;
class UdpSocket;
}  // namespace weft::io

namespace weft::strategies {

/// One side of a pair on a host: sockets, STUN, probes, and the answers to them. The rival decides the rest.
class RivalHost {
 public:
  struct Config {
    std::vector<Endpoint> stun_servers;  // different addresses
    std::vector<IpAddress> addresses;    // of the host
    crypto::SymmetricKey key;            // of the pair's probes
    std::function<void(const Signal&)> send_signal;
    std::function<void()> on_direct;
  };

  RivalHost(io::Host& host, Config config, std::unique_ptr<Random> random);
  ~RivalHost();
  RivalHost(const RivalHost&) = delete;
  RivalHost& operator=(const RivalHost&) = delete;

  /// Asks the STUN servers, once, before start().
  void gather();
  /// `first`: this side's packet wants the peer.
  void start(MakeRival make, bool first);
  void handle_signal(const Signal& signal);
  /// The other side has a direct path: nothing more is tried, pings are still answered.
  void finish() { finished_ = true; }

  /// When a ping of ours was answered first.
  std::optional<Time> direct_at() const { return direct_at_; }
  bool gave_up() const;
  bool udp_blocked() const { return mapped_.empty(); }
  bool varies() const { return ports_seen_.size() > 1; }
  std::uint64_t probes() const { return probes_; }

 private:
  io::UdpSocket* socket(std::uint16_t number);
  void on_datagram(std::uint16_t number, const Endpoint& from, ByteView datagram);
  void send(std::uint16_t number, const Endpoint& to, Bytes bytes);
  void on_timer();
  void drain();

  io::Host& host_;
  Config config_;
  std::unique_ptr<Random> random_;
  std::map<std::uint16_t, std::unique_ptr<io::UdpSocket>> sockets_;
  stun::Client stun_;
  std::map<Endpoint, Endpoint> mapped_;  // by server
  std::set<Endpoint> ports_seen_;
  std::unique_ptr<Rival> rival_;
  std::set<std::uint64_t> asked_;
  std::optional<Time> direct_at_;
  bool finished_ = false;
  std::uint64_t probes_ = 0;
  std::unique_ptr<io::Timer> timer_;
};

}  // namespace weft::strategies

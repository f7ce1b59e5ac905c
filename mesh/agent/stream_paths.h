// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/base/bytes.h"
#include "mesh/base/packet.h"
#include "mesh/base/random.h"
#include "mesh/path/candidate.h"
#include "mesh/stun/client.h"

namespace weft::io {
class Host;
class Stream;
class StreamPort;
}  // namespace weft::io

namespace weft::agent {

/// Direct paths over TCP, for pairs that cannot have one over UDP (rung 9): each stream carries datagrams, two bytes of
/// length before each (RFC 4571), and has a number among the sockets' (path::kFirstStream and up) that is not used
/// again soon. All streams of a family share one port. How IPv4's looks from outside tells a relay's STUN server (RFC
/// 6544), and perhaps the gateway has mapped it; IPv6 addresses are their own. Nothing is opened before want(). A
/// datagram that finds kMaxQueued bytes waiting in its stream is dropped, as a full link would do.
class StreamPaths {
 public:
  struct Handlers {
    std::function<void(const PathId& from, ByteView datagram)> on_datagram;
    /// A stream that was dialled is open.
    std::function<void(const PathId& path)> on_open;
    std::function<void(std::uint16_t number)> on_closed;
    /// candidates() are others than before.
    std::function<void()> on_candidates;
    /// The port that IPv4 peers connect to: open from now on, so worth a mapping.
    std::function<void(std::uint16_t port)> on_port = {};
  };
  static constexpr std::size_t kMaxQueued = 64 * 1024;
  static constexpr std::size_t kMaxStreams = 64;
  /// A dial is repeated when it is refused, until this long after the request.
  static constexpr Duration kDialFor = 5s;
  static constexpr Duration kRedial = 200ms;
  /// A stream on which no one has proved to be a peer for this long is ended.
  static constexpr Duration kProve = 10s;

  StreamPaths(io::Host& host, Random& random, Handlers handlers);
  ~StreamPaths();

  /// The STUN endpoints of the relays, the home relay's first.
  void set_servers(const std::vector<Endpoint>& servers);
  /// From now on peers may connect; candidates() follow.
  void want();
  /// What the gateway says that it holds open for the port of on_port; nullopt: nothing.
  void set_mapped(std::optional<Endpoint> external);
  /// Begins to connect to an endpoint of a peer; no effect while a stream to it is there.
  void dial(const Endpoint& remote);
  void network_changed();
  /// A peer has proved itself on this stream.
  void proved(std::uint16_t number);
  /// False if it was dropped.
  bool send(std::uint16_t number, ByteView datagram);
  const std::vector<path::Candidate>& candidates() const { return candidates_; }

 private:
  struct Link {
    std::unique_ptr<io::Stream> stream;  // null: closed, to be removed on a later turn
    Endpoint remote;
    Bytes waiting;
    bool open = false;
    std::optional<Time> prove_by;
  };
  struct Dial {
    Time until;
    std::optional<Time> again;  // the last attempt was refused
    std::optional<std::uint16_t> link;
  };

  Time now() const;
  io::StreamPort* open_port(IpFamily family);
  void accept(std::unique_ptr<io::Stream> stream);
  std::uint16_t add(std::unique_ptr<io::Stream> stream, const Endpoint& remote);
  void attempt(const Endpoint& remote, Dial& dial);
  void opened(std::uint16_t number);
  void receive(std::uint16_t number, ByteView bytes);
  void closed(std::uint16_t number);
  void ask();
  void heard_server(ByteView bytes);
  void rebuild(std::optional<Endpoint> reflexive);
  void tick();
  void arm();

  io::Host& host_;
  Random& random_;
  Handlers handlers_;
  bool wanted_ = false;
  std::vector<Endpoint> servers_;
  std::unique_ptr<io::StreamPort> port_v4_, port_v6_;
  std::map<std::uint16_t, Link> links_;
  std::map<Endpoint, Dial> dials_;
  std::uint16_t next_ = 0;
  std::unique_ptr<io::Stream> server_, old_server_;  // the STUN server's, kept open for its mapping
  Bytes server_waiting_;
  std::unique_ptr<stun::Client> client_;
  std::optional<Time> ask_at_;
  std::optional<Endpoint> reflexive_, mapped_;
  std::vector<path::Candidate> candidates_;
  CoreTimer timer_;
};

}  // namespace weft::agent

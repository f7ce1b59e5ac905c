// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/stun/server.h"

namespace weft::io {
class Host;
class Stream;
class StreamListener;
class Timer;
}  // namespace weft::io

namespace weft::relay_server {

/// STUN over TCP (RFC 8489 §6.2.2): tells a client how its TCP connections look from outside. A stream that says
/// nothing for kIdle is ended; so is one that sends anything but STUN. RFC 5780's CHANGE-REQUEST is refused.
class StunStreams {
 public:
  static constexpr Duration kIdle = 10min;
  /// More are turned away.
  static constexpr std::size_t kMaxStreams = 1024;

  explicit StunStreams(io::Host& host);
  ~StunStreams();

  /// Called once. Errors: port_taken, io.
  Result<void> listen(const std::vector<Endpoint>& endpoints);

 private:
  struct Client {
    std::unique_ptr<io::Stream> stream;
    Bytes waiting;
    Time last_heard;
    bool over = false;
  };
  void accept(std::unique_ptr<io::Stream> stream);
  void receive(Client& client, ByteView bytes);
  void end(Client& client);
  void reap();

  io::Host& host_;
  stun::Server server_{{}};
  std::list<Client> clients_;
  std::unique_ptr<io::Timer> timer_;
  std::vector<std::unique_ptr<io::StreamListener>> listeners_;
};

}  // namespace weft::relay_server

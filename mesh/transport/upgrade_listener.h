// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/io/stream.h"

namespace weft::io {
class Host;
}  // namespace weft::io
namespace weft::tls {
class Context;
}  // namespace weft::tls

namespace weft::transport {

/// From accept to the end of the request; a client that is slower is cut off.
inline constexpr Duration kUpgradeLimit = 10s;
/// Connections that have not finished their request; more are closed at once.
inline constexpr std::size_t kMaxPendingUpgrades = 1024;

/// Accepts TCP, TLS if a context is given, and HTTP/1.1; answers 101 to an Upgrade request for one of its tokens and
/// hands the stream out. Other requests are answered and closed: 404 without Upgrade, 426 for an unknown token, 400 if
/// malformed, 431 if the header exceeds http::kHeaderLimit, 413 if the body exceeds http::kBodyLimit.
class UpgradeListener {
 public:
  /// Runs from the event loop with a stream past the 101, whose start() has not been called; on_connected is not called
  /// on it. May destroy the listener.
  using Handler = std::function<void(std::unique_ptr<io::Stream>)>;

  struct Counters {
    std::uint64_t accepted = 0, upgraded = 0, answered = 0, failed = 0, timed_out = 0, over_limit = 0;
  };

  /// Errors: as io::Host::listen. `host` and `context` (null: no TLS) outlive the listener and the streams it handed
  /// out.
  static Result<std::unique_ptr<UpgradeListener>> listen(io::Host& host, Endpoint local, tls::Context* context,
                                                         std::map<std::string, Handler> handlers);
  ~UpgradeListener();

  Endpoint local_endpoint() const;
  const Counters& counters() const;

 private:
  struct State;
  explicit UpgradeListener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace weft::transport

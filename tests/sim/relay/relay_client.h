// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/relay/client_session.h"
#include "mesh/tls/context.h"
#include "mesh/transport/dial.h"

namespace weft {

/// One relay::ClientSession on a stream of its own, with all events kept.
class RelayClient {
 public:
  RelayClient(io::Host& host, const Endpoint& relay, relay::ClientConfig config, bool tls,
              std::optional<crypto::VerifyKey> expected_key = {})
      : host_(host),
        tls_(host.entropy()),
        random_(host.rng("relay_client")),
        key_(config.node_key),
        session_(std::move(config), *random_),
        timer_(host.make_timer([this] {
          session_.handle_timeout(now());
          drain();
        })) {
    stream_ = transport::dial(host, &tls_,
                              {.remote = relay,
                               .host_name = {},
                               .path = "/relay",
                               .protocol = "weft-relay/1",
                               .tls = tls,
                               .expected_key = expected_key});
    stream_->start({.on_connected =
                        [this] {
                          session_.start(now());
                          drain();
                        },
                    .on_data =
                        [this](ByteView bytes) {
                          session_.handle_data(now(), bytes);
                          drain();
                        },
                    .on_writable = [this] { drain(); },
                    .on_closed = [this](const Error& error) { closed = error; }});
  }

  bool send(const crypto::PublicKey& to, ByteView datagram) {
    const bool taken = session_.send(now(), to, datagram);
    drain();
    return taken;
  }
  bool ready() const { return session_.ready(); }
  crypto::PublicKey key() const { return key_.public_key(); }
  template <typename Event>
  std::size_t count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(events_, [](const auto& event) { return std::holds_alternative<Event>(event); }));
  }
  template <typename Event>
  std::vector<Event> all() const {
    std::vector<Event> found;
    for (const auto& event : events_) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    return found;
  }
  std::optional<Error> closed;

 private:
  Time now() const { return host_.clock().now(); }
  void drain() {
    while (auto event = session_.poll_event()) events_.push_back(std::move(*event));
    while (!closed) {
      if (unwritten_.empty()) {
        auto bytes = session_.poll_write();
        if (!bytes) break;
        unwritten_ = std::move(*bytes);
      }
      const auto taken = static_cast<std::ptrdiff_t>(stream_->write(unwritten_));
      unwritten_.erase(unwritten_.begin(), unwritten_.begin() + taken);
      if (!unwritten_.empty()) break;
    }
    if (session_.next_deadline()) timer_->arm(*session_.next_deadline());
  }

  io::Host& host_;
  tls::Context tls_;
  std::unique_ptr<Random> random_;
  crypto::PrivateKey key_;
  relay::ClientSession session_;
  std::unique_ptr<io::Timer> timer_;
  std::unique_ptr<io::Stream> stream_;
  Bytes unwritten_;
  std::vector<relay::ClientEvent> events_;
};

}  // namespace weft

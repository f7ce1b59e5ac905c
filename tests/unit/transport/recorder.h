// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mesh/io/stream.h"
#include "mesh/tls/context.h"
#include "tests/support/memory_host.h"

namespace weft::transport {

/// Owns a stream and keeps what it says. Checks the order of the contract: nothing within a call, nothing after
/// on_closed.
class Recorder {
 public:
  void take(std::unique_ptr<io::Stream> given, io::StreamHandlers extra = {}) {
    stream = std::move(given);
    extra_ = std::move(extra);
    guarded([&] {
      stream->start(
          {.on_connected = [this] { event([&] { connected = true; }, extra_.on_connected); },
           .on_data = [this](ByteView bytes) { event([&] { data += as_text(bytes); }, extra_.on_data, bytes); },
           .on_writable = [this] { event([&] { ++writable; }, extra_.on_writable); },
           .on_closed = [this](const Error& why) { event([&] { closed = why; }, extra_.on_closed, why); }});
    });
  }
  std::size_t write(std::string_view text) {
    std::size_t taken = 0;
    guarded([&] { taken = stream->write(as_bytes(text)); });
    return taken;
  }
  void close() {
    guarded([&] { stream->close(); });
  }

  std::unique_ptr<io::Stream> stream;
  bool connected = false;
  int writable = 0;
  std::string data;
  std::optional<Error> closed;

 private:
  template <typename Call>
  void guarded(Call call) {
    const bool outer = std::exchange(in_call_, true);
    call();
    in_call_ = outer;
  }
  template <typename Note, typename Handler, typename... Args>
  void event(Note note, const Handler& handler, const Args&... args) {
    EXPECT_FALSE(in_call_) << "a handler ran within a call of the owner";
    EXPECT_FALSE(closed) << "a handler ran after on_closed";
    note();
    if (handler) handler(args...);
  }

  io::StreamHandlers extra_;
  bool in_call_ = false;
};

inline crypto::SigningKey test_key(std::uint8_t fill = 7) { return *crypto::SigningKey::from_bytes(Bytes(32, fill)); }

/// A virtual host with a TLS context that can serve.
struct World {
  explicit World(test::LinkOptions link = {}) : host(1, link), context(host.entropy(), identity()) {}
  static tls::Identity identity() {
    return {.key = test_key(), .not_before = WallTime{}, .not_after = WallTime(std::chrono::hours(24 * 36'500))};
  }
  template <typename Predicate>
  void until(Predicate done) {
    ASSERT_TRUE(host.run_until(done)) << "not within a minute";
  }

  test::MemoryHost host;
  tls::Context context;
};

inline const Endpoint kServer{IpAddress::v4(192, 0, 2, 1), 443};

}  // namespace weft::transport

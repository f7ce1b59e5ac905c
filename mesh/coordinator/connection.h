// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/control/server_session.h"

namespace weft::io {
class Host;
class Stream;
class Timer;
}  // namespace weft::io

namespace weft::coordinator {

/// One client's stream joined to its session.
class Connection {
 public:
  /// Neither may destroy the connection; `on_over` comes once, when it may go.
  struct Handlers {
    std::function<void(control::ServerSession::RegisterRequested&)> on_register;
    std::function<void(control::Publish&)> on_publish;
    std::function<void(control::Signal&)> on_signal;  // for another node
    std::function<void()> on_renewal_due;             // of the admission
    std::function<void()> on_over;
  };

  Connection(io::Host& host, std::unique_ptr<io::Stream> stream, const crypto::PrivateKey& key, Handlers handlers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void accept(std::uint64_t node, control::Accepted accepted);
  void refuse(const Error& error);
  void send_admission(Bytes admission, Duration renew_after);
  void send_revocation(const control::Revocation& revocation);
  void send_signal(const control::Signal& signal);
  /// From now on this client is sent `log`, which outlives the connection.
  void follow(control::MapLog& log);
  /// Sends what is new as far as the stream takes it; the rest follows when there is room. Nothing if it follows no
  /// log.
  void push_map() { settle(); }

  /// 0 until accepted.
  std::uint64_t node() const { return node_; }
  bool over() const { return over_; }

 private:
  void handle_data(ByteView bytes);
  void handle_timeout();
  void settle();
  bool write_out();
  void pump();
  void finish();

  io::Host& host_;
  Handlers handlers_;
  std::unique_ptr<io::Stream> stream_;
  std::unique_ptr<io::Timer> timer_;
  control::ServerSession session_;
  control::MapLog* log_ = nullptr;
  std::uint64_t node_ = 0;
  Bytes unwritten_;
  std::optional<Time> renewal_due_;
  std::optional<Time> close_limit_;
  bool ended_ = false;
  bool closed_ = false;  // our direction of the stream
  bool over_ = false;
};

}  // namespace weft::coordinator

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mesh/base/time.h"
#include "mesh/http/negotiation.h"
#include "mesh/io/stream.h"
#include "mesh/transport/callbacks.h"

namespace weft::io {
class Host;
class Timer;
}  // namespace weft::io

namespace weft::transport {

struct NegotiationOptions {
  std::unique_ptr<http::Negotiation> negotiation;
  Endpoint remote;                // what remote_endpoint() says
  std::string purpose;            // prefix of each failure before the answer: "cannot open weft-relay/1 at …"; or empty
  std::optional<Duration> limit;  // from start() to the answer
};

/// `inner` (not started) behind an HTTP exchange. Until the answer: request out, answer in, writes held; on_connected
/// when it is yes. After it: the inner stream as it is.
class NegotiatedStream final : public io::Stream {
 public:
  NegotiatedStream(io::Host& host, std::unique_ptr<io::Stream> inner, NegotiationOptions options);
  ~NegotiatedStream() override;

  void start(io::StreamHandlers handlers) override;
  std::size_t write(ByteView bytes) override;
  std::size_t queued() const override { return held_.size() + inner_->queued(); }
  void close() override;
  Endpoint local_endpoint() const override { return inner_->local_endpoint(); }
  Endpoint remote_endpoint() const override { return options_.remote; }

 private:
  void send_request();
  void handle_data(ByteView bytes);
  void open();
  bool progress();
  void handle_closed(const Error& why);
  void handle_timeout();
  void end(const Error& why);
  void give_up(const Error& why);
  std::size_t hold(ByteView bytes);
  void try_close();

  io::Host& host_;
  NegotiationOptions options_;
  std::unique_ptr<io::Stream> inner_;
  std::unique_ptr<io::Timer> timer_;
  bool open_ = false;
  bool short_write_ = false;
  bool closing_ = false;
  bool inner_closing_ = false;
  Bytes held_;
  Callbacks callbacks_;
};

}  // namespace weft::transport

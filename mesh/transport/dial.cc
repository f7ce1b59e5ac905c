// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/dial.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/http/upgrade.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "mesh/transport/callbacks.h"
#include "mesh/transport/tls_stream.h"

namespace weft::transport {
namespace {

/// Until the 101: request out, answer in, writes held. After it: the inner stream as it is.
class DialledStream final : public io::Stream {
 public:
  DialledStream(io::Host& host, std::unique_ptr<io::Stream> inner, DialOptions options)
      : host_(host), options_(std::move(options)), inner_(std::move(inner)) {}

  void start(io::StreamHandlers handlers) override {
    callbacks_.set(std::move(handlers));
    upgrade_ = std::make_unique<http::UpgradeClient>(
        http::UpgradeOffer{.host = options_.host_name.empty() ? options_.remote.to_string() : options_.host_name,
                           .target = options_.path,
                           .protocol = options_.protocol});
    timer_ = host_.make_timer([this] { handle_timeout(); });
    timer_->arm(host_.clock().now() + options_.limit);
    inner_->start({.on_connected = [this] { send_request(); },
                   .on_data = [this](ByteView bytes) { handle_data(bytes); },
                   .on_writable = [this] { handle_writable(); },
                   .on_closed = [this](const Error& why) { handle_closed(why); }});
  }

  std::size_t write(ByteView bytes) override {
    if (closing_ || !callbacks_.set_and_open()) return 0;
    const std::size_t taken = open_ && held_.empty() ? inner_->write(bytes) : hold(bytes);
    short_write_ |= taken < bytes.size();
    return taken;
  }
  std::size_t queued() const override { return held_.size() + inner_->queued(); }
  void close() override {
    closing_ = true;
    try_close();
  }
  Endpoint local_endpoint() const override { return inner_->local_endpoint(); }
  Endpoint remote_endpoint() const override { return options_.remote; }

 private:
  void send_request() {
    while (const auto request = upgrade_->poll_write()) {
      if (inner_->write(*request) == request->size()) continue;
      return end({ErrorCode::limit, "the request does not fit into the stream's queue"});
    }
  }

  void handle_data(ByteView bytes) {
    if (open_) {
      callbacks_.data(bytes);
      return;
    }
    if (!callbacks_.set_and_open()) return;
    upgrade_->handle_data(bytes);
    if (upgrade_->failed()) return end(*upgrade_->failed());
    if (upgrade_->upgraded()) open();
  }

  void open() {
    open_ = true;
    timer_.reset();
    const Bytes first = upgrade_->take_rest();
    upgrade_.reset();
    if (!callbacks_.connected()) return;
    if (!progress()) return;
    if (!first.empty()) callbacks_.data(first);
  }

  void handle_writable() {
    if (open_) progress();
  }

  /// Moves on with what was held; false if the stream is gone.
  bool progress() {
    if (!held_.empty()) {
      const std::size_t taken = inner_->write(held_);
      held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(taken));
      if (held_.empty()) held_ = {};
    }
    try_close();
    if (!held_.empty() || !std::exchange(short_write_, false)) return true;
    return callbacks_.writable();
  }

  void handle_closed(const Error& why) {
    if (open_ || closing_) {
      callbacks_.closed(why);
    } else if (why.code != ErrorCode::closed) {
      give_up(why);
    } else {
      upgrade_->handle_end();
      upgrade_->failed() ? give_up(*upgrade_->failed()) : give_up(why);
    }
  }

  void handle_timeout() {
    const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(options_.limit).count();
    end({ErrorCode::timeout, "no answer within " + std::to_string(seconds) + " ms"});
  }

  void end(const Error& why) {
    if (!std::exchange(inner_closing_, true)) inner_->close();
    give_up(why);
  }

  void give_up(const Error& why) {
    if (timer_) timer_->cancel();
    callbacks_.closed(
        {why.code, "cannot open " + options_.protocol + " at " + options_.remote.to_string() + ": " + why.message});
  }

  std::size_t hold(ByteView bytes) {
    const auto room = bytes.first(std::min(bytes.size(), io::kStreamQueueLimit - held_.size()));
    held_.insert(held_.end(), room.begin(), room.end());
    return room.size();
  }

  void try_close() {
    if (closing_ && held_.empty() && !std::exchange(inner_closing_, true)) inner_->close();
  }

  io::Host& host_;
  const DialOptions options_;
  std::unique_ptr<io::Stream> inner_;
  std::unique_ptr<http::UpgradeClient> upgrade_;
  std::unique_ptr<io::Timer> timer_;
  bool open_ = false;
  bool short_write_ = false;
  bool closing_ = false;
  bool inner_closing_ = false;
  Bytes held_;
  Callbacks callbacks_;
};

}  // namespace

std::unique_ptr<io::Stream> dial(io::Host& host, tls::Context* context, DialOptions options) {
  WEFT_ASSERT(!options.tls || context != nullptr);
  auto stream = host.connect(options.remote);
  if (options.tls) {
    stream = tls_client_stream(std::move(stream), *context, {.expected_key = options.expected_key, .valid_at = {}});
  }
  return std::make_unique<DialledStream>(host, std::move(stream), std::move(options));
}

}  // namespace weft::transport

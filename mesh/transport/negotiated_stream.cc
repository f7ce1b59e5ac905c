// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/negotiated_stream.h"

#include <algorithm>
#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"

namespace weft::transport {

NegotiatedStream::NegotiatedStream(io::Host& host, std::unique_ptr<io::Stream> inner, NegotiationOptions options)
    : host_(host), options_(std::move(options)), inner_(std::move(inner)) {}

NegotiatedStream::~NegotiatedStream() = default;

void NegotiatedStream::start(io::StreamHandlers handlers) {
  callbacks_.set(std::move(handlers));
  if (options_.limit) {
    timer_ = host_.make_timer([this] { handle_timeout(); });
    timer_->arm(host_.clock().now() + *options_.limit);
  }
  inner_->start({.on_connected = [this] { send_request(); },
                 .on_data = [this](ByteView bytes) { handle_data(bytes); },
                 .on_writable =
                     [this] {
                       if (open_) progress();
                     },
                 .on_closed = [this](const Error& why) { handle_closed(why); }});
}

std::size_t NegotiatedStream::write(ByteView bytes) {
  if (closing_ || !callbacks_.set_and_open()) return 0;
  const std::size_t taken = open_ && held_.empty() ? inner_->write(bytes) : hold(bytes);
  short_write_ |= taken < bytes.size();
  return taken;
}

void NegotiatedStream::close() {
  closing_ = true;
  try_close();
}

void NegotiatedStream::send_request() {
  while (const auto request = options_.negotiation->poll_write()) {
    if (inner_->write(*request) == request->size()) continue;
    return end({ErrorCode::limit, "the request does not fit into the stream's queue"});
  }
}

void NegotiatedStream::handle_data(ByteView bytes) {
  if (open_) {
    callbacks_.data(bytes);
    return;
  }
  if (!callbacks_.set_and_open()) return;
  options_.negotiation->handle_data(bytes);
  if (options_.negotiation->failed()) return end(*options_.negotiation->failed());
  if (options_.negotiation->agreed()) open();
}

void NegotiatedStream::open() {
  open_ = true;
  timer_.reset();
  const Bytes first = options_.negotiation->take_rest();
  options_.negotiation.reset();
  if (!callbacks_.connected()) return;
  if (!progress()) return;
  if (!first.empty()) callbacks_.data(first);
}

/// Moves on with what was held; false if the stream is gone.
bool NegotiatedStream::progress() {
  if (!held_.empty()) {
    const std::size_t taken = inner_->write(held_);
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (held_.empty()) held_ = {};
  }
  try_close();
  if (!held_.empty() || !std::exchange(short_write_, false)) return true;
  return callbacks_.writable();
}

void NegotiatedStream::handle_closed(const Error& why) {
  if (open_ || closing_) {
    callbacks_.closed(why);
  } else if (why.code != ErrorCode::closed) {
    give_up(why);
  } else {
    options_.negotiation->handle_end();
    const auto failed = options_.negotiation->failed();
    give_up(failed ? *failed : why);
  }
}

void NegotiatedStream::handle_timeout() {
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(*options_.limit).count();
  end({ErrorCode::timeout, "no answer within " + std::to_string(limit) + " ms"});
}

void NegotiatedStream::end(const Error& why) {
  if (!std::exchange(inner_closing_, true)) inner_->close();
  give_up(why);
}

void NegotiatedStream::give_up(const Error& why) {
  if (timer_) timer_->cancel();
  callbacks_.closed({why.code, options_.purpose.empty() ? why.message : options_.purpose + ": " + why.message});
}

std::size_t NegotiatedStream::hold(ByteView bytes) {
  const auto room = bytes.first(std::min(bytes.size(), io::kStreamQueueLimit - held_.size()));
  held_.insert(held_.end(), room.begin(), room.end());
  return room.size();
}

void NegotiatedStream::try_close() {
  if (closing_ && held_.empty() && !std::exchange(inner_closing_, true)) inner_->close();
}

}  // namespace weft::transport

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <utility>

#include "mesh/io/stream.h"

namespace weft::transport {

/// The handlers of a stream's owner, as the stream calls them. A handler may destroy the stream, and this with it:
/// every call answers whether the stream is still there, and only then may it go on. Nothing is called after closed().
class Callbacks {
 public:
  Callbacks() = default;
  ~Callbacks() { forget(); }
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  void set(io::StreamHandlers handlers) {
    forget();
    state_ = std::make_shared<State>(std::move(handlers));
  }
  /// Whoever is in a call of the handlers so far learns from it that they are no longer the owner's.
  void forget() {
    if (state_) state_->current = false;
    state_.reset();
  }
  bool set_and_open() const { return state_ && !state_->closed; }

  bool connected() { return call(&io::StreamHandlers::on_connected); }
  bool data(ByteView bytes) { return call(&io::StreamHandlers::on_data, bytes); }
  bool writable() { return call(&io::StreamHandlers::on_writable); }
  bool closed(Error why) {  // a copy: the caller's may go with the stream
    if (!set_and_open()) return false;
    state_->closed = true;
    const auto keep = state_;
    if (keep->handlers.on_closed) keep->handlers.on_closed(why);
    return keep->current;
  }

  /// `task` for io::Host::post: does nothing once the stream is gone or closed.
  template <typename Task>
  auto while_open(Task task) const {
    return [watch = std::weak_ptr(state_), task] {
      const auto state = watch.lock();
      if (state && state->current && !state->closed) task();
    };
  }

 private:
  struct State {
    explicit State(io::StreamHandlers given) : handlers(std::move(given)) {}
    io::StreamHandlers handlers;
    bool current = true;
    bool closed = false;
  };

  template <typename Handler, typename... Args>
  bool call(Handler handler, Args... args) {
    if (!set_and_open()) return false;
    const auto keep = state_;  // the handler must outlive its own call
    if (keep->handlers.*handler) (keep->handlers.*handler)(args...);
    return keep->current && !keep->closed;
  }

  std::shared_ptr<State> state_;
};

}  // namespace weft::transport

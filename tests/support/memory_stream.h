// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/time.h"
#include "mesh/io/stream.h"

namespace weft::test {

/// A virtual clock with what is to happen on it, in order of time, then of scheduling.
class EventQueue {
 public:
  Time now() const { return now_; }
  void at(Time when, std::function<void()> task) {
    events_.emplace(std::pair(std::max(when, now_), ++sequence_), task);
  }
  void after(Duration delay, std::function<void()> task) { at(now_ + delay, std::move(task)); }
  /// Runs the next event; false if there is none up to `limit`.
  bool step(Time limit) {
    if (events_.empty() || events_.begin()->first.first > limit) return false;
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    event.mapped()();
    return true;
  }
  void advance_to(Time when) { now_ = std::max(now_, when); }

 private:
  Time now_{1h};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> events_;
};

/// How bytes travel: pieces of at most `segment`, one each `pace`, each `latency` later at the other side.
struct LinkOptions {
  Duration latency = 1ms;
  std::size_t segment = 1460;
  Duration pace = 1us;
};

/// Two ends of an in-memory connection. Kept alive by its streams and by the events under way.
class MemoryLink : public std::enable_shared_from_this<MemoryLink> {
 public:
  MemoryLink(EventQueue& events, LinkOptions options) : events_(events), options_(options) {}

  struct End {
    std::shared_ptr<io::StreamHandlers> handlers;  // null until start()
    Endpoint local, remote;
    Bytes queue;
    Bytes early;                 // arrived before start()
    std::optional<Error> ended;  // before start()
    bool owned = false, short_write = false, closing = false, finished = false, pumping = false, connected = false;
  };
  End& end(int side) { return ends_[side]; }

  void start(int side, io::StreamHandlers handlers) {
    End& own = end(side);
    WEFT_ASSERT(!own.handlers);
    own.handlers = std::make_shared<io::StreamHandlers>(std::move(handlers));
    post(side, [this, side] {
      End& late = end(side);
      if (!late.early.empty()) call_data(side, std::exchange(late.early, {}));
      if (late.owned && late.ended) finish(side, Error(*late.ended));
    });
  }

  std::size_t write(int side, ByteView bytes) {
    End& own = end(side);
    WEFT_ASSERT(own.handlers);
    if (own.closing || own.finished) return 0;
    const std::size_t room = io::kStreamQueueLimit - std::min(io::kStreamQueueLimit, own.queue.size());
    const std::size_t taken = std::min(room, bytes.size());
    own.short_write |= taken < bytes.size();
    own.queue.insert(own.queue.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    pump_soon(side);
    return taken;
  }

  void close(int side) {
    end(side).closing = true;
    pump_soon(side);
  }

  void opened(int side) {
    End& own = end(side);
    own.connected = true;
    if (own.owned && !own.finished && own.handlers && own.handlers->on_connected) keep(side)->on_connected();
    pump_soon(side);
  }

  /// on_closed, once, and nothing after it.
  void finish(int side, const Error& why) {
    End& own = end(side);
    if (own.finished || !own.owned) return;
    if (!own.handlers) {
      own.ended = why;
      return;
    }
    own.finished = true;
    if (own.handlers->on_closed) keep(side)->on_closed(why);
  }

  /// The owner has destroyed the stream of `side`.
  void disown(int side) {
    End& own = end(side);
    own.owned = false;
    if (own.closing || own.finished) return;
    own.finished = true;
    own.queue.clear();
    const auto reset = [self = shared_from_this(), side] {
      self->finish(1 - side, {ErrorCode::io, "connection reset"});
    };
    events_.after(options_.latency, reset);
  }

 private:
  std::shared_ptr<io::StreamHandlers> keep(int side) { return end(side).handlers; }

  void post(int side, std::function<void()> task) {
    events_.after(Duration(0), [self = shared_from_this(), side, task] {
      if (self->end(side).owned) task();
    });
  }

  void call_data(int side, const Bytes& bytes) {
    End& own = end(side);
    if (!own.owned || own.finished) return;
    if (!own.handlers) {
      own.early.insert(own.early.end(), bytes.begin(), bytes.end());
    } else if (own.handlers->on_data) {
      keep(side)->on_data(bytes);
    }
  }

  void pump_soon(int side, Duration delay = Duration(0)) {
    End& own = end(side);
    if (own.pumping || !own.connected) return;
    own.pumping = true;
    events_.after(delay, [self = shared_from_this(), side] {
      self->end(side).pumping = false;
      self->pump(side);
    });
  }

  void pump(int side) {
    End& own = end(side);
    if (own.finished) return;
    if (own.queue.empty()) {
      if (own.closing) send_end(side);
      return;
    }
    const auto cut = own.queue.begin() + static_cast<std::ptrdiff_t>(std::min(own.queue.size(), options_.segment));
    Bytes segment(own.queue.begin(), cut);
    own.queue.erase(own.queue.begin(), cut);
    events_.after(options_.latency, [self = shared_from_this(), side, segment] { self->call_data(1 - side, segment); });
    pump_soon(side, options_.pace);
    if (own.short_write && own.queue.size() < io::kStreamQueueLimit / 2) {
      own.short_write = false;
      if (own.owned && own.handlers->on_writable) keep(side)->on_writable();
    }
  }

  void send_end(int side) {
    events_.after(options_.latency, [self = shared_from_this(), side] {
      self->finish(1 - side, {ErrorCode::closed, "the other side closed the connection"});
    });
    finish(side, {ErrorCode::closed, "closed"});
    end(side).finished = true;
  }

  EventQueue& events_;
  LinkOptions options_;
  std::array<End, 2> ends_;
};

/// One end of a MemoryLink as its owner sees it.
class MemoryStream final : public io::Stream {
 public:
  MemoryStream(std::shared_ptr<MemoryLink> link, int side) : link_(std::move(link)), side_(side) {
    link_->end(side_).owned = true;
  }
  ~MemoryStream() override { link_->disown(side_); }
  void start(io::StreamHandlers handlers) override { link_->start(side_, std::move(handlers)); }
  std::size_t write(ByteView bytes) override { return link_->write(side_, bytes); }
  std::size_t queued() const override { return link_->end(side_).queue.size(); }
  void close() override { link_->close(side_); }
  Endpoint local_endpoint() const override { return link_->end(side_).local; }
  Endpoint remote_endpoint() const override { return link_->end(side_).remote; }

 private:
  std::shared_ptr<MemoryLink> link_;
  int side_;
};

}  // namespace weft::test

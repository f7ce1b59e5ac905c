// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/base/time.h"

namespace weft::fabric {

class AlarmEvent;
class Packet;

/// ns-3's event core behind our own words: the only part of the fabric, with Packet, that knows ns-3. Takes the
/// process's one simulator for its life.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Time now() const;
  /// Runs `task` at `at`, or on the next turn if that is past. It cannot be taken back.
  void at(Time at, std::function<void()> task);
  void post(std::function<void()> task) { at(now(), std::move(task)); }
  /// Packet::Notify runs after `delay`.
  void schedule(Duration delay, Packet& packet);
  /// Runs until `deadline`, or until `*done` holds after an event. Returns whether it held.
  bool run(Time deadline, const std::function<bool()>* done);
  std::uint64_t events() const { return events_; }

  /// The number of the trace event (sim/trace) but for which what runs now would not; 0: none. Tasks and alarms carry
  /// it along from where they were made.
  std::uint64_t cause() const { return cause_; }
  void set_cause(std::uint64_t cause) { cause_ = cause; }

  /// Each event of the fabric calls this when it has run.
  void after_event() {
    ++events_;
    cause_ = 0;
    if (done_ != nullptr) check_done();
  }

 private:
  void check_done();
  const std::function<bool()>* done_ = nullptr;
  bool held_ = false;
  std::uint64_t events_ = 0;
  std::uint64_t cause_ = 0;
};

/// A re-armable alarm. Re-arming to a later time costs nothing: the event in the queue looks again when it comes.
class Alarm {
 public:
  explicit Alarm(EventLoop& loop) : loop_(loop) {}
  virtual ~Alarm() { release(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  void arm(Time deadline);
  void cancel() { armed_ = false; }
  bool armed() const { return armed_; }

 protected:
  /// It is time; may destroy the alarm.
  virtual void ring() = 0;

 private:
  friend class AlarmEvent;
  void look();
  void release();
  void schedule(Time at);

  EventLoop& loop_;
  AlarmEvent* event_ = nullptr;  // in the queue; we hold one reference
  Time event_at_{};
  Time deadline_{};
  std::uint64_t cause_ = 0;  // of the last arm()
  bool armed_ = false;
};

}  // namespace weft::fabric

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/event_loop.h"

#include <ns3/event-impl.h>
#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/packet.h"
#include "sim/fabric/wheel_scheduler.h"

namespace weft::fabric {
namespace {

class TaskEvent final : public ns3::EventImpl {
 public:
  TaskEvent(EventLoop& loop, std::function<void()> task) : loop_(loop), cause_(loop.cause()), task_(std::move(task)) {}

 private:
  void Notify() override {
    loop_.set_cause(cause_);
    std::exchange(task_, nullptr)();
    loop_.after_event();
  }
  EventLoop& loop_;
  std::uint64_t cause_;
  std::function<void()> task_;
};

class StopEvent final : public ns3::EventImpl {
  void Notify() override { ns3::Simulator::Stop(); }
};

ns3::Time to_ns3(Duration duration) { return ns3::NanoSeconds(std::max<std::int64_t>(duration.count(), 0)); }

void enqueue(Duration delay, ns3::EventImpl* event, std::uint32_t context = 0) {
  ns3::Simulator::ScheduleWithContext(context, to_ns3(delay), event);
}

}  // namespace

class AlarmEvent final : public ns3::EventImpl {
 public:
  explicit AlarmEvent(Alarm& owner) : loop_(owner.loop_), owner_(&owner) {}
  void abandon() { owner_ = nullptr; }

 private:
  void Notify() override {
    if (owner_ == nullptr) return;
    owner_->look();
    loop_.after_event();
  }
  EventLoop& loop_;
  Alarm* owner_;
};

EventLoop::EventLoop() {
  ns3::ObjectFactory scheduler;
  scheduler.SetTypeId(WheelScheduler::GetTypeId());
  ns3::Simulator::SetScheduler(scheduler);
  WEFT_ASSERT(ns3::Simulator::Now().IsZero());  // otherwise another Network lives in this process
}

EventLoop::~EventLoop() { ns3::Simulator::Destroy(); }

Time EventLoop::now() const { return Time{Duration{ns3::Simulator::Now().GetTimeStep()}}; }

void EventLoop::at(Time at, std::function<void()> task) { enqueue(at - now(), new TaskEvent(*this, std::move(task))); }

void EventLoop::schedule(Duration delay, Packet& packet) {
  packet.Ref();
  enqueue(delay, &packet, ForeseenEvent::kContext);
}

bool EventLoop::run(Time deadline, const std::function<bool()>* done) {
  if (done != nullptr && (*done)()) return true;
  auto* stop = new StopEvent;
  stop->Ref();
  enqueue(deadline - now(), stop);
  done_ = done;
  held_ = false;
  ns3::Simulator::Run();
  done_ = nullptr;
  stop->Cancel();
  stop->Unref();
  return held_;
}

void EventLoop::check_done() {
  if (held_ || !(*done_)()) return;
  held_ = true;
  ns3::Simulator::Stop();
}

void Alarm::arm(Time deadline) {
  armed_ = true;
  deadline_ = std::max(deadline, loop_.now());
  cause_ = loop_.cause();
  if (event_ != nullptr && event_at_ <= deadline_) return;
  release();
  schedule(deadline_);
}

void Alarm::look() {
  event_->Unref();
  event_ = nullptr;
  if (!armed_) return;
  if (deadline_ > loop_.now()) return schedule(deadline_);
  armed_ = false;
  loop_.set_cause(cause_);
  ring();
}

void Alarm::release() {
  if (event_ == nullptr) return;
  event_->abandon();
  event_->Unref();
  event_ = nullptr;
}

void Alarm::schedule(Time at) {
  event_ = new AlarmEvent(*this);
  event_->Ref();
  event_at_ = at;
  enqueue(at - loop_.now(), event_);
}

}  // namespace weft::fabric

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/wheel_scheduler.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "mesh/base/assert.h"
#include "sim/fabric/foreseen_event.h"

namespace weft::fabric {
namespace {

constexpr auto kByTime = [](const ns3::Scheduler::Event& a, const ns3::Scheduler::Event& b) {
  return a.key.m_ts != b.key.m_ts ? a.key.m_ts < b.key.m_ts : a.key.m_uid < b.key.m_uid;
};
constexpr auto kByTimeReversed = [](const ns3::Scheduler::Event& a, const ns3::Scheduler::Event& b) {
  return kByTime(b, a);  // of the standard heaps, which keep the greatest in front
};

/// How many events before its turn an event is fetched itself, and takes each of its steps. Measured, as is that less
/// than two apart gains nothing.
constexpr std::size_t kFetch = 14;
constexpr std::array<std::size_t, ForeseenEvent::kSteps> kStepAt = {11, 8, 6, 4, 2};
constexpr unsigned kLinesOfAnEvent = 3;
/// With fewer events than this waiting, what they touch is in the caches anyway.
constexpr std::size_t kWorthLookingAhead = 2'048;

}  // namespace

ns3::TypeId WheelScheduler::GetTypeId() {
  static const ns3::TypeId id = ns3::TypeId("weft::fabric::WheelScheduler")
                                    .SetParent<ns3::Scheduler>()
                                    .SetGroupName("Core")
                                    .AddConstructor<WheelScheduler>();
  return id;
}

void WheelScheduler::Insert(const Event& event) {
  ++size_;
  if (event.key.m_ts > until_) return put(event);
  if (late_.size() >= many_late_) narrow();
  if (event.key.m_ts > until_) return put(event);
  late_.push_back(event);
  std::ranges::push_heap(late_, kByTimeReversed);
}

/// The open bucket was too wide for what came into it: only the nanosecond of its next event stays open.
void WheelScheduler::narrow() {
  until_ = late_is_next() ? late_.front().key.m_ts : due_[next_].key.m_ts;
  const auto is_later = [this](const Event& event) { return event.key.m_ts > until_; };
  const auto later = std::ranges::find_if(due_.begin() + static_cast<std::ptrdiff_t>(next_), due_.end(), is_later);
  std::for_each(later, due_.end(), [this](const Event& event) { put(event); });
  due_.erase(later, due_.end());
  const auto late = std::ranges::partition(late_, [&](const Event& event) { return !is_later(event); });
  std::ranges::for_each(late, [this](const Event& event) { put(event); });
  late_.erase(late.begin(), late_.end());
  std::ranges::make_heap(late_, kByTimeReversed);
  many_late_ = std::max(kManyLate, 2 * late_.size());
}

void WheelScheduler::put(const Event& event) {
  const std::uint64_t time = event.key.m_ts;
  const unsigned wheel = (static_cast<unsigned>(std::bit_width(time ^ base_)) - 1) / kBits;
  const auto slot = static_cast<unsigned>(time >> (wheel * kBits)) % kSlots;
  wheels_[wheel][slot].push_back(event);
  filled_[wheel] |= std::uint64_t{1} << slot;
}

WheelScheduler::Place WheelScheduler::first_bucket() const {
  for (unsigned wheel = 0; wheel < kWheels; ++wheel) {
    if (filled_[wheel] != 0) return {wheel, static_cast<unsigned>(std::countr_zero(filled_[wheel]))};
  }
  WEFT_ASSERT(false);  // ns-3 asks IsEmpty first
}

/// Makes the first events that are on a wheel due.
void WheelScheduler::open() {
  due_.clear();
  next_ = 0;
  while (true) {
    const auto [wheel, slot] = first_bucket();
    filled_[wheel] &= ~(std::uint64_t{1} << slot);
    const unsigned shift = wheel * kBits;
    const std::uint64_t above = shift + kBits < 64 ? base_ >> (shift + kBits) << (shift + kBits) : 0;
    base_ = above | std::uint64_t{slot} << shift;
    Bucket& bucket = wheels_[wheel][slot];
    if (wheel == 0 || bucket.size() <= kSortAtMost) {
      std::swap(due_, bucket);
      break;
    }
    std::swap(spread_, bucket);
    for (const Event& event : spread_) {
      if (event.key.m_ts == base_) {
        due_.push_back(event);
      } else {
        put(event);
      }
    }
    spread_.clear();
    if (!due_.empty()) break;
  }
  std::ranges::sort(due_, kByTime);
  until_ = due_.back().key.m_ts;
  many_late_ = kManyLate;
}

bool WheelScheduler::late_is_next() const {
  return !late_.empty() && (due_is_empty() || kByTime(late_.front(), due_[next_]));
}

WheelScheduler::Event WheelScheduler::PeekNext() const {
  if (late_is_next()) return late_.front();
  if (!due_is_empty()) return due_[next_];
  const auto [wheel, slot] = first_bucket();
  return *std::ranges::min_element(wheels_[wheel][slot], kByTime);
}

/// Lets those that follow the next event fetch what they will need.
void WheelScheduler::look_ahead() const {
  const std::size_t behind = due_.size() - next_;
  if (behind > kFetch) fetch_ahead(due_[next_ + kFetch].impl, kLinesOfAnEvent);
  for (unsigned step = 0; step < ForeseenEvent::kSteps; ++step) {
    if (behind <= kStepAt[step]) continue;
    const Event& event = due_[next_ + kStepAt[step]];
    if (event.key.m_context == ForeseenEvent::kContext) static_cast<const ForeseenEvent*>(event.impl)->approach(step);
  }
}

WheelScheduler::Event WheelScheduler::RemoveNext() {
  --size_;
  if (late_is_next()) {
    std::ranges::pop_heap(late_, kByTimeReversed);
    const Event event = late_.back();
    late_.pop_back();
    return event;
  }
  if (due_is_empty()) open();
  if (size_ >= kWorthLookingAhead) look_ahead();
  return due_[next_++];
}

void WheelScheduler::Remove(const Event& event) {
  const auto same = [&](const Event& other) { return other.key.m_uid == event.key.m_uid; };
  std::size_t removed = std::erase_if(late_, same);
  std::ranges::make_heap(late_, kByTimeReversed);
  const auto due = std::ranges::find_if(due_.begin() + static_cast<std::ptrdiff_t>(next_), due_.end(), same);
  if (due != due_.end()) {
    due_.erase(due);
    ++removed;
  }
  for (unsigned wheel = 0; wheel < kWheels; ++wheel) {
    for (unsigned slot = 0; slot < kSlots; ++slot) {
      Bucket& bucket = wheels_[wheel][slot];
      removed += std::erase_if(bucket, same);
      if (bucket.empty()) filled_[wheel] &= ~(std::uint64_t{1} << slot);
    }
  }
  WEFT_ASSERT(removed == 1);
  --size_;
}

}  // namespace weft::fabric

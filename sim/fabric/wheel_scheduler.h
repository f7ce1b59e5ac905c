// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/scheduler.h>

#include <array>
#include <cstdint>
#include <vector>

namespace weft::fabric {

/// A scheduler for ns-3 that gives events in the order of ns3::PriorityQueueScheduler, by time and then by number, and
/// takes for each the same time whether a thousand or a million wait (figures: docs/design/004-wheel-scheduler.md).
///
/// Events wait in wheels of 64 buckets; a bucket of one wheel is as wide as the whole wheel below it, and the lowest
/// counts nanoseconds. An event is on the lowest wheel that can tell its time from the base. When all that is due has
/// been taken, the first bucket that is not empty is opened: many events are spread over the wheels below, few are
/// sorted and become what is due. What is inserted before the last of these goes into a small heap beside them.
class WheelScheduler final : public ns3::Scheduler {
 public:
  static ns3::TypeId GetTypeId();

  void Insert(const Event& event) override;
  bool IsEmpty() const override { return size_ == 0; }
  /// Looks into the first bucket without opening it, so it takes longer than RemoveNext; ns-3 asks rarely.
  Event PeekNext() const override;
  Event RemoveNext() override;
  /// Searches everything: cancel events instead.
  void Remove(const Event& event) override;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kSlots = 1 << kBits;
  static constexpr unsigned kWheels = (64 + kBits - 1) / kBits;
  static constexpr std::size_t kSortAtMost = 48;
  static constexpr std::size_t kManyLate = 64;
  using Bucket = std::vector<Event>;

  struct Place {
    unsigned wheel;
    unsigned slot;
  };
  Place first_bucket() const;
  void put(const Event& event);
  void open();
  void narrow();
  void look_ahead() const;
  bool due_is_empty() const { return next_ == due_.size(); }
  /// Whether the next event is of those that came late.
  bool late_is_next() const;

  std::array<std::array<Bucket, kSlots>, kWheels> wheels_;
  std::array<std::uint64_t, kWheels> filled_{};  // a bit for each slot
  std::uint64_t base_ = 0;                       // no event on a wheel is earlier
  std::uint64_t until_ = 0;                      // every event on a wheel is later
  Bucket due_;                                   // of the open bucket, in order
  std::size_t next_ = 0;                         // in due_
  Bucket late_;                                  // inserted since, not later than `until_`: a heap
  std::size_t many_late_ = kManyLate;
  Bucket spread_;  // of open(), to keep its room
  std::size_t size_ = 0;
};

}  // namespace weft::fabric

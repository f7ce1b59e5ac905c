// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/event-impl.h>

#include <cstdint>

namespace weft::fabric {

/// Has the processor fetch the cache line at `address` (which need not be valid) while it does something else.
inline void fetch_ahead(const void* address) { __builtin_prefetch(address); }
/// The first `lines` lines of an object.
inline void fetch_ahead(const void* object, unsigned lines) {
  for (unsigned line = 0; line < lines; ++line) fetch_ahead(static_cast<const char*>(object) + line * 64);
}

/// An event that knows what memory it will touch. In a world of 100,000 hosts nearly all of that is far from the
/// processor, one pointer behind the other; the scheduler lets the events that come next follow them a step at a time,
/// while the ones before run.
class ForeseenEvent : public ns3::EventImpl {
 public:
  /// ns-3's context of such an event: that is how a scheduler knows it.
  static constexpr std::uint32_t kContext = 0x5EE4'0000;
  static constexpr unsigned kSteps = 5;

  /// Follows one more pointer and fetches what is there. Step 0 comes first, when the event itself has been fetched.
  virtual void approach(unsigned step) const = 0;
};

}  // namespace weft::fabric

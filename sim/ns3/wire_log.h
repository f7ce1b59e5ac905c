// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>

#include "sim/fabric/trace_hash.h"
#include "sim/fabric/wire_event.h"

namespace weft::stack {

/// What went over the wires: hashed in order (docs/determinism.md), and shown to an observer as it is sent.
class WireLog {
 public:
  using Observer = std::function<void(ByteView packet)>;

  void note(const fabric::WireEvent& event) {
    hash_.add(event);
    if (observer_ && event.direction == fabric::Direction::sent) observer_(event.bytes);
  }
  void observe(Observer observer) { observer_ = std::move(observer); }
  std::array<std::uint8_t, 32> digest() const { return hash_.digest(); }

 private:
  fabric::TraceHash hash_;
  Observer observer_;
};

}  // namespace weft::stack

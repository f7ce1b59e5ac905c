// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "sim/fabric/trace_hash.h"
#include "sim/fabric/wire_event.h"

namespace weft::tracing {
class Recorder;
}

namespace weft::stack {

/// What went over the wires: hashed in order (docs/determinism.md), and shown to an observer as it is sent.
class WireLog {
 public:
  using Observer = std::function<void(ByteView packet)>;

  /// Returns the number of the event in the trace, or `cause` without one.
  std::uint64_t note(const fabric::WireEvent& event, std::uint64_t cause) {
    hash_.add(event);
    if (observer_ && event.direction == fabric::Direction::sent) observer_(event.bytes);
    return recorder_ == nullptr ? cause : record(event, cause);
  }
  void set_recorder(tracing::Recorder* recorder) { recorder_ = recorder; }
  tracing::Recorder* recorder() const { return recorder_; }
  /// Names a node for the trace.
  void add_node(fabric::NodeId node, const std::string& name, bool gateway);
  void observe(Observer observer) { observer_ = std::move(observer); }
  std::array<std::uint8_t, 32> digest() const { return hash_.digest(); }

 private:
  std::uint64_t record(const fabric::WireEvent& event, std::uint64_t cause);
  fabric::TraceHash hash_;
  Observer observer_;
  tracing::Recorder* recorder_ = nullptr;
  std::set<fabric::NodeId> gateways_;
};

}  // namespace weft::stack

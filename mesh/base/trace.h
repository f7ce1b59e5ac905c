// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "mesh/base/time.h"

namespace weft {

/// What a reader does with an event: `debug` per packet, `info` per change of state, `warning` for what a user should
/// know, `error` for what stops a service. Malformed input from the network is never above `debug`.
enum class TraceLevel : std::uint8_t { debug, info, warning, error };
/// As logs, traces and `--log` have it: "debug", "info", "warning", "error".
std::string_view to_string(TraceLevel level);

struct TraceField {
  std::string_view key;
  std::variant<std::int64_t, std::string> value;
};

/// One thing that happened. `module` is the folder ("wireguard"), `name` the event in snake_case
/// ("handshake_completed"). The views are valid only during TraceSink::record.
struct TraceEvent {
  Time time;
  TraceLevel level = TraceLevel::debug;
  std::string_view module;
  std::string_view name;
  std::span<const TraceField> fields;
};

/// Takes events; logs, metrics and results all derive from them. Given by the host; never decides anything.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void record(const TraceEvent& event) = 0;
  /// False lets callers skip building the fields.
  virtual bool wants(TraceLevel level) const = 0;
};

inline void trace(TraceSink& sink, Time now, TraceLevel level, std::string_view module, std::string_view name,
                  std::initializer_list<TraceField> fields = {}) {
  if (sink.wants(level)) sink.record({now, level, module, name, {fields.begin(), fields.size()}});
}

}  // namespace weft

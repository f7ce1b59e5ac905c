// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <string>

#include "mesh/base/trace.h"

namespace weft::host {

class LoopClock;

enum class LogFormat { text, json };

/// Writes events of at least `level` to standard error, one line each: for people
/// (`2026-01-31T12:00:00.000Z info agent registered name=a`) or as JSON objects with `time`, `level`, `module`, `event`
/// and the fields under `fields`.
class LogTraceSink final : public TraceSink {
 public:
  LogTraceSink(LoopClock& clock, TraceLevel level, LogFormat format) : clock_(clock), level_(level), format_(format) {}
  void record(const TraceEvent& event) override;
  bool wants(TraceLevel level) const override { return level >= level_; }
  /// The last kRecentLines lines, oldest first.
  const std::deque<std::string>& recent() const { return recent_; }
  static constexpr std::size_t kRecentLines = 200;

 private:
  std::string text_line(const TraceEvent& event) const;
  std::string json_line(const TraceEvent& event) const;

  LoopClock& clock_;
  TraceLevel level_;
  LogFormat format_;
  std::deque<std::string> recent_;
};

}  // namespace weft::host

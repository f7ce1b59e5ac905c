// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/trace/event.h"

namespace weft::tracing {

/// A trace on disk, as NdjsonWriter wrote it: lines are found by number, and events by their cause.
class TraceFile {
 public:
  /// Error: usage, with path, line and what is wrong.
  static Result<TraceFile> open(const std::string& path);

  std::size_t size() const { return events_.size(); }
  struct Limits {
    std::size_t back = 0;       // causes shown, the latest ones; 0: all
    std::size_t following = 0;  // events shown that came of it
  };
  /// From the first cause to `id`, as sentences, oldest first; then what followed from it. Error: usage, if there is no
  /// event `id`.
  Result<std::string> explain(EventId id, const Limits& limits);
  /// How often packets were dropped where and why, with the number of the first event of each.
  std::string drops() const;

 private:
  struct Entry {
    EventId cause = 0;
    std::uint64_t offset = 0;
  };
  struct Drops {
    std::uint64_t count = 0;
    EventId first = 0;
  };
  std::string sentence(EventId id);
  void append_followers(EventId id, int depth, std::size_t& left, std::string& out);

  std::string path_;
  std::ifstream file_;
  std::vector<Entry> events_;  // number i + 1 at i
  std::map<std::string, Drops> drops_;
  std::map<EventId, std::vector<EventId>> followers_;
};

}  // namespace weft::tracing

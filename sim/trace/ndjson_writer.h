// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <fstream>
#include <memory>
#include <string>

#include "mesh/base/error.h"
#include "sim/trace/recorder.h"

namespace weft::tracing {

/// A line of JSON for each event (docs/schema/trace-event.json).
class NdjsonWriter final : public Writer {
 public:
  /// Error: io, with path and remedy.
  static Result<std::unique_ptr<NdjsonWriter>> open(const std::string& path);
  void write(EventId id, const Event& event, const std::string& node) override;

 private:
  explicit NdjsonWriter(std::ofstream file) : file_(std::move(file)) {}
  std::ofstream file_;
};

/// The line of one event, without its end.
std::string to_ndjson(EventId id, const Event& event, const std::string& node);

}  // namespace weft::tracing

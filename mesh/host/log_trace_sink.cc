// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/log_trace_sink.h"

#include <time.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "mesh/host/loop_clock.h"

namespace weft::host {
namespace {

std::string timestamp(WallTime wall) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count();
  const time_t seconds = milliseconds / 1000;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const auto length = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1000 + milliseconds % 1000);
  fraction[0] = '.';
  return std::string(text, length) + fraction + "Z";
}

/// Control characters would let a peer's name forge lines.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

}  // namespace

std::string LogTraceSink::text_line(const TraceEvent& event) const {
  std::string line = timestamp(clock_.wall_now());
  for (const auto part : {to_string(event.level), event.module, event.name}) (line += ' ') += part;
  for (const auto& field : event.fields) {
    ((line += ' ') += field.key) += '=';
    const auto* number = std::get_if<std::int64_t>(&field.value);
    line += number ? std::to_string(*number) : printable(std::get<std::string>(field.value));
  }
  return line;
}

std::string LogTraceSink::json_line(const TraceEvent& event) const {
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
  for (const auto& field : event.fields) {
    std::visit([&](const auto& value) { fields[std::string(field.key)] = value; }, field.value);
  }
  const nlohmann::ordered_json line{{"time", timestamp(clock_.wall_now())},
                                    {"level", to_string(event.level)},
                                    {"module", event.module},
                                    {"event", event.name},
                                    {"fields", fields}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void LogTraceSink::record(const TraceEvent& event) {
  std::string line = (format_ == LogFormat::json ? json_line(event) : text_line(event)) + "\n";
  // One write, so that lines of several processes do not mix. Nobody can be told if it fails.
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
  line.pop_back();
  recent_.push_back(std::move(line));
  if (recent_.size() > kRecentLines) recent_.pop_front();
}

}  // namespace weft::host

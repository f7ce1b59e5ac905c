// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>

namespace weft::tracing {
namespace {

using nlohmann::json;

/// `udp 192.168.1.10:41641 → 203.0.113.3:3478, 48 bytes, stun_request`
std::string packet_words(const json& event) {
  if (!event.contains("packet")) return "";
  const json& packet = event["packet"];
  if (!packet.contains("from")) return fmt::format("{} bytes", packet.value("bytes", 0));
  std::string words =
      fmt::format("{} {} → {}, {} bytes", packet.value("protocol", std::string()), packet.value("from", std::string()),
                  packet.value("to", std::string()), packet.value("bytes", 0));
  if (packet.contains("content")) words += ", " + packet.value("content", std::string());
  return words;
}

std::string action(const json& event) {
  const std::string kind = event.value("kind", std::string());
  const std::string node = event.value("node", std::string());
  const std::string on = " (" + event.value("interface", std::string()) + ")";
  if (kind == "sent") return node + on + " sends";
  if (kind == "received") return node + on + " receives";
  if (kind == "inner_sent") return "a program of " + node + on + " sends";
  if (kind == "inner_received") return "a program of " + node + on + " receives";
  if (kind == "dropped") return node + on + " loses it: " + event.value("reason", std::string());
  if (kind == "translated") {
    const std::uint64_t mapping = event.value("mapping", std::uint64_t{0});
    if (mapping == 0) return "gateway " + node + " lets it pass unchanged";
    return fmt::format("NAT mapping {} of gateway {} makes of {} → {}", mapping, node,
                       event["was"].value("from", std::string()), event["was"].value("to", std::string()));
  }
  std::string said = node + ": " + event.value("module", std::string()) + " " + event.value("name", std::string());
  if (event.contains("fields")) {
    for (const auto& [key, value] : event["fields"].items()) {
      said += " " + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return said;
}

}  // namespace

Result<TraceFile> TraceFile::open(const std::string& path) {
  TraceFile trace;
  trace.path_ = path;
  trace.file_.open(path, std::ios::binary);
  if (!trace.file_)
    return fail(ErrorCode::usage, path + ": cannot be read; name a file that weft-lab run --trace wrote");
  std::string line;
  for (std::uint64_t offset = 0; std::getline(trace.file_, line); offset += line.size() + 1) {
    const json event = json::parse(line, nullptr, false);
    const EventId id = trace.events_.size() + 1;
    if (!event.is_object() || !event.contains("id") || event["id"] != id || !event.contains("cause") ||
        !event["cause"].is_number_unsigned() || event["cause"] >= id) {
      return fail(ErrorCode::usage, fmt::format("{}: line {} is not event {} of a trace; name a whole file that "
                                                "weft-lab run --trace wrote",
                                                path, id, id));
    }
    const EventId cause = event["cause"];
    trace.events_.push_back({cause, offset});
    if (cause != 0) trace.followers_[cause].push_back(id);
    if (event.value("kind", std::string()) != "dropped") continue;
    Drops& drops =
        trace.drops_[event.value("node", std::string()) + ": " + event.value("reason", std::string("unknown"))];
    if (drops.count++ == 0) drops.first = id;
  }
  trace.file_.clear();
  return trace;
}

std::string TraceFile::sentence(EventId id) {
  std::string line;
  file_.seekg(static_cast<std::streamoff>(events_[id - 1].offset));
  std::getline(file_, line);
  file_.clear();
  const json event = json::parse(line, nullptr, false);
  std::string words = packet_words(event);
  if (!words.empty()) words = ": " + words;
  return fmt::format("{:>8}  {:>14.6f} s  {}{}\n", id, event.value("t_ns", 0.0) / 1e9, action(event), words);
}

void TraceFile::append_followers(EventId id, int depth, std::size_t& left, std::string& out) {
  const auto found = followers_.find(id);
  if (found == followers_.end()) return;
  for (const EventId next : found->second) {
    if (left == 0) return;
    --left;
    out += std::string(static_cast<std::size_t>(depth) * 2, ' ') + sentence(next);
    append_followers(next, depth + 1, left, out);
  }
}

Result<std::string> TraceFile::explain(EventId id, const Limits& limits) {
  if (id == 0 || id > events_.size()) {
    return fail(ErrorCode::usage,
                fmt::format("{}: has no event {}; they are numbered 1 to {}", path_, id, events_.size()));
  }
  std::vector<EventId> chain;
  for (EventId at = id; at != 0; at = events_[at - 1].cause) chain.push_back(at);
  std::string out;
  if (limits.back != 0 && chain.size() > limits.back) {
    out = fmt::format("{:>8}  causes before these; --back 0 shows them\n", chain.size() - limits.back);
    chain.resize(limits.back);
  }
  for (const EventId at : std::views::reverse(chain)) out += sentence(at);
  std::string after;
  std::size_t left = limits.following;
  append_followers(id, 1, left, after);
  if (!after.empty()) out += "then\n" + after;
  return out;
}

std::string TraceFile::drops() const {
  std::vector<std::pair<std::string, Drops>> order(drops_.begin(), drops_.end());
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return std::pair(b.second.count, a.first) < std::pair(a.second.count, b.first);
  });
  std::string out = fmt::format("{} events, {} kinds of drops\n{:>8}  {:>8}  where and why\n", events_.size(),
                                order.size(), "drops", "first");
  for (const auto& [what, drops] : order) out += fmt::format("{:>8}  {:>8}  {}\n", drops.count, drops.first, what);
  return out;
}

}  // namespace weft::tracing

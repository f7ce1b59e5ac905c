// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/ndjson_writer.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/trace/content.h"

namespace weft::tracing {
namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_packet(fmt::memory_buffer& out, ByteView packet) {
  auto at = std::back_inserter(out);
  const auto flow = flow_of(packet);
  if (!flow) return void(fmt::format_to(at, R"(,"packet":{{"bytes":{}}})", packet.size()));
  const std::uint8_t ttl = packet[0] >> 4 == 6 ? packet[7] : packet[8];
  fmt::format_to(at, R"(,"packet":{{"protocol":"{}","from":"{}","to":"{}","bytes":{},"ttl":{})",
                 protocol_name(flow->protocol), flow->from.to_string(), flow->to.to_string(), packet.size(), ttl);
  if (const auto content = content_of(packet); !content.empty()) fmt::format_to(at, R"(,"content":"{}")", content);
  out.push_back('}');
}

void append_said(fmt::memory_buffer& out, const TraceEvent& said) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, R"(,"level":"{}","module":{},"name":{})", weft::to_string(said.level), json_text(said.module),
                 json_text(said.name));
  std::string_view comma = R"(,"fields":{)";
  for (const TraceField& field : said.fields) {
    fmt::format_to(at, "{}{}:", comma, json_text(field.key));
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      fmt::format_to(at, "{}", *number);
    } else {
      fmt::format_to(at, "{}", json_text(std::get<std::string>(field.value)));
    }
    comma = ",";
  }
  if (!said.fields.empty()) out.push_back('}');
}

}  // namespace

std::string to_ndjson(EventId id, const Event& event, const std::string& node) {
  fmt::memory_buffer out;
  auto at = std::back_inserter(out);
  fmt::format_to(at, R"({{"id":{},"cause":{},"t_ns":{},"node":{},"kind":"{}")", id, event.cause,
                 event.at.time_since_epoch().count(), json_text(node), tracing::to_string(event.kind));
  if (event.interface != Interface::none)
    fmt::format_to(at, R"(,"interface":"{}")", tracing::to_string(event.interface));
  if (!event.reason.empty()) fmt::format_to(at, R"(,"reason":{})", json_text(event.reason));
  if (event.mapping != 0) fmt::format_to(at, R"(,"mapping":{})", event.mapping);
  if (event.before) {
    fmt::format_to(at, R"(,"was":{{"from":"{}","to":"{}"}})", event.before->from.to_string(),
                   event.before->to.to_string());
  }
  if (event.said != nullptr) {
    append_said(out, *event.said);
  } else {
    append_packet(out, event.packet);
  }
  out.push_back('}');
  return fmt::to_string(out);
}

Result<std::unique_ptr<NdjsonWriter>> NdjsonWriter::open(const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return fail(ErrorCode::io, path + ": cannot be written; name a file you may write to with --trace");
  return std::unique_ptr<NdjsonWriter>(new NdjsonWriter(std::move(file)));
}

void NdjsonWriter::write(EventId id, const Event& event, const std::string& node) {
  file_ << to_ndjson(id, event, node) << '\n';
}

}  // namespace weft::tracing

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/canary.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::traffic {
namespace {

constexpr std::size_t kFixed = kCanary.size() + 16;

std::uint8_t pattern(const Payload& payload, std::size_t at) {
  return static_cast<std::uint8_t>(payload.flow * 31 + payload.number * 7 + at);
}

}  // namespace

Bytes make_payload(std::uint64_t flow, std::uint64_t number, std::size_t size) {
  WEFT_ASSERT(size >= kFixed);
  Writer writer;
  writer.bytes(kCanary).u64be(flow).u64be(number);
  for (std::size_t at = kFixed; at < size; ++at) writer.u8(pattern({flow, number}, at));
  return writer.take();
}

std::optional<Payload> parse_payload(ByteView bytes) {
  Reader reader(bytes);
  const ByteView canary = reader.bytes(kCanary.size());
  Payload payload;
  payload.flow = reader.u64be();
  payload.number = reader.u64be();
  if (reader.failed() || !std::ranges::equal(canary, kCanary)) return std::nullopt;
  for (std::size_t at = kFixed; at < bytes.size(); ++at) {
    if (bytes[at] != pattern(payload, at)) return std::nullopt;
  }
  return payload;
}

bool contains_canary(ByteView bytes) { return !std::ranges::search(bytes, kCanary).empty(); }

}  // namespace weft::traffic

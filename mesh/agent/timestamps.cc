// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/timestamps.h"

#include <algorithm>
#include <string>

#include "mesh/io/clock.h"
#include "mesh/io/state_store.h"

namespace weft::agent {
namespace {

const std::string kEntry = "timestamp";

}  // namespace

Result<void> Timestamps::load() {
  auto stored = store_.get(kEntry);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return {};
  Reader reader(**stored);
  const auto nanoseconds = static_cast<std::int64_t>(reader.u64be());
  if (!reader.complete())
    return fail(ErrorCode::corrupt, "the stored timestamp cannot be read; remove it and change the node key");
  last_ = reserved_ = WallTime(Duration(nanoseconds));
  return {};
}

wireguard::Tai64n Timestamps::next() {
  last_ = std::max(clock_.wall_now(), last_ + Duration(1));
  if (last_ >= reserved_) {
    const WallTime until = last_ + kBlock;
    Writer writer;
    writer.u64be(static_cast<std::uint64_t>(until.time_since_epoch().count()));
    if (store_.put(kEntry, writer.view())) reserved_ = until;
  }
  return wireguard::to_tai64n(last_);
}

}  // namespace weft::agent

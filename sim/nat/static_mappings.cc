// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/static_mappings.h"

#include <algorithm>

#include "mesh/base/deadlines.h"
#include "sim/nat/packet.h"

namespace weft::nat {
namespace {

constexpr std::uint16_t kLowestPort = 1024;

Key no_remote(Protocol protocol, bool v6) { return Key(0, 0, protocol, v6); }

}  // namespace

std::uint32_t StaticMappings::binding_at(Key external) const {
  const auto found = by_external_.find(external.bits());
  return found == by_external_.end() ? Table::kNone : found->second.second.binding;
}

StaticMapping StaticMappings::describe(Key external, const Held& held) const {
  return {external.protocol(), table_.endpoint(held.internal), table_.endpoint(external), held.expires};
}

void StaticMappings::expire(Time now) {
  if (!next_ || now < *next_) return;
  next_.reset();
  for (auto at = by_external_.begin(); at != by_external_.end();) {
    const Held& held = at->second.second;
    if (held.expires && *held.expires <= now) {
      table_.release(held.binding);
      at = by_external_.erase(at);
    } else {
      next_ = earlier(next_, held.expires);
      ++at;
    }
  }
}

/// The port asked for, or the next free one above it; one of the subscriber's block, if he has such.
std::optional<Key> StaticMappings::choose(Protocol protocol, const StaticRequest& request) {
  const bool v6 = request.internal.address.is_v6();
  if (blocks_ != nullptr && !v6) {
    if (request.exact || blocks_->empty()) return std::nullopt;
    const auto found = blocks_->choose(table_.key(protocol, request.internal), no_remote(protocol, v6));
    if (!found) return std::nullopt;
    blocks_->count_mapping(*found, 1);
    return *found;
  }
  const auto address = std::ranges::find(external_, request.internal.address.family(), &IpAddress::family);
  if (address == external_.end()) return std::nullopt;
  const std::uint16_t wanted = request.suggested_port != 0 ? request.suggested_port : request.internal.port;
  std::uint32_t port = wanted;
  for (std::uint32_t step = 0; step < 65536u - kLowestPort; ++step) {
    const Key candidate = table_.key(protocol, {*address, static_cast<std::uint16_t>(port)});
    const bool held = by_external_.contains(candidate.bits());
    if (!held && table_.is_free(candidate, no_remote(protocol, v6))) return candidate;
    if (request.exact) return std::nullopt;
    port = port < kLowestPort || port == 65535 ? kLowestPort : port + 1;
  }
  return std::nullopt;
}

/// The binding that is to be held.
std::optional<std::uint32_t> StaticMappings::open(Key internal, const StaticRequest& request, bool& created) {
  const Key nobody = no_remote(request.protocol, internal.is_v6());
  if (table_.translated(internal)) {
    const auto external = choose(request.protocol, request);
    if (!external) return std::nullopt;
    created = true;
    return table_.add_binding(internal, *external, nobody);
  }
  if (request.exact && request.suggested_port != internal.port()) return std::nullopt;
  const std::uint32_t flows = table_.find_binding(internal, nobody);
  if (flows != Table::kNone) return flows;
  created = true;
  return table_.add_binding(internal, internal, nobody);
}

std::optional<StaticMapping> StaticMappings::add(Time now, const StaticRequest& request, bool& created) {
  created = false;
  if (request.internal.port == 0) return std::nullopt;
  const std::optional<Time> expires = request.lifetime ? std::optional(now + *request.lifetime) : std::nullopt;
  next_ = earlier(next_, expires);
  const Key internal = table_.key(request.protocol, request.internal);
  for (auto& [bits, entry] : by_external_) {
    auto& [external, held] = entry;
    if (held.internal != internal || (request.exact && external.port() != request.suggested_port)) continue;
    held.expires = expires;
    return describe(external, held);
  }
  const auto binding = open(internal, request, created);
  if (!binding) return std::nullopt;
  table_.hold(*binding);
  const Held held{internal, *binding, expires};
  const Key external = table_.binding(*binding).external;
  by_external_[external.bits()] = {external, held};
  return describe(external, held);
}

bool StaticMappings::remove(Protocol protocol, const Endpoint& internal) {
  const Key key = table_.key(protocol, internal);
  return std::erase_if(by_external_, [&](const auto& each) {
           const Held& held = each.second.second;
           if (held.internal != key) return false;
           table_.release(held.binding);
           return true;
         }) > 0;
}

std::vector<StaticMapping> StaticMappings::list() const {
  std::vector<StaticMapping> out;
  for (const auto& [bits, entry] : by_external_) out.push_back(describe(entry.first, entry.second));
  return out;
}

}  // namespace weft::nat

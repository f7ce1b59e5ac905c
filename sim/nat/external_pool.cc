// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/external_pool.h"

#include <algorithm>

#include "mesh/base/random.h"

namespace weft::nat {
namespace {

PortRule with_ranges_kept(PortRule rule) {
  rule.only_in_range |= rule.blocks.mode != BlockMode::none;
  return rule;
}

}  // namespace

ExternalPool::ExternalPool(const Behavior& behavior, std::vector<IpAddress> addresses, Table& table, Random& random)
    : behavior_(behavior),
      addresses_(std::move(addresses)),
      table_(table),
      random_(random),
      allocator_(with_ranges_kept(behavior.ports), random) {
  if (behavior.ports.blocks.mode != BlockMode::none && !addresses_.empty()) {
    blocks_.emplace(behavior.ports, addresses_.size(), random);
  }
}

std::expected<Key, DropReason> ExternalPool::choose(Key internal, Key remote) {
  // Netfilter, under overloading, first tries what the internal endpoint already has towards others.
  if (behavior_.ports.overload && behavior_.ports.allocation == Allocation::preserve) {
    const std::uint32_t latest = table_.latest_binding(internal);
    if (latest != Table::kNone) {
      const Key had = table_.binding(latest).external;
      if (table_.is_free(had, remote)) return had;
    }
  }
  if (behavior_.ports.keep_contiguity) {
    if (const auto neighbour = beside_its_neighbour(internal, remote)) return *neighbour;
  }
  if (blocks_ && behavior_.ports.blocks.mode == BlockMode::deterministic) {
    const Block block = blocks_->of_host(host_number(internal));
    return in_range(block.address, block.ports, internal, remote);
  }
  const std::uint32_t subscriber = table_.subscriber_of(internal);
  const auto usable = static_cast<std::uint32_t>(addresses_.size());
  std::uint32_t address = 0;
  if (usable > 1 && behavior_.pooling == Pooling::paired) address = subscriber % usable;
  if (usable > 1 && behavior_.pooling == Pooling::arbitrary)
    address = static_cast<std::uint32_t>(random_.below(usable));
  if (blocks_) return in_dynamic_block(subscriber, address, internal, remote);
  return in_range(address, {behavior_.ports.low, behavior_.ports.high}, internal, remote);
}

std::expected<Key, DropReason> ExternalPool::in_range(std::uint32_t address, PortRange range, Key internal,
                                                      Key remote) {
  const Key base = table_.key(internal.protocol(), {addresses_[address], 0});
  const auto port = allocator_.allocate(internal.port(), range, [&](std::uint16_t candidate) {
    return table_.is_free(base.with_port(candidate), remote);
  });
  if (!port) return std::unexpected(DropReason::no_port);
  return base.with_port(*port);
}

std::expected<Key, DropReason> ExternalPool::in_dynamic_block(std::uint32_t subscriber, std::uint32_t address,
                                                              Key internal, Key remote) {
  const std::vector<std::uint32_t> held = blocks_->held(subscriber);
  for (const std::uint32_t number : held) {
    const Block block = blocks_->block(number);
    if (const auto found = in_range(block.address, block.ports, internal, remote)) return found;
  }
  // RFC 6888 REQ-2: further blocks come from the address that the subscriber has.
  if (!held.empty() && behavior_.pooling == Pooling::paired) address = blocks_->block(held.front()).address;
  const auto fresh = blocks_->take(subscriber, address);
  if (!fresh) {
    return std::unexpected(held.size() >= behavior_.ports.blocks.per_subscriber ? DropReason::subscriber_limit
                                                                                : DropReason::no_block);
  }
  return in_range(address, blocks_->block(*fresh).ports, internal, remote);
}

/// RFC 4787 §4.2.3: the port above or below the one that the neighbouring internal port has.
std::optional<Key> ExternalPool::beside_its_neighbour(Key internal, Key remote) const {
  for (const int side : {-1, 1}) {
    const std::uint32_t binding =
        table_.find_binding(internal.with_port(static_cast<std::uint16_t>(internal.port() + side)), remote);
    if (binding == Table::kNone) continue;
    const Key there = table_.binding(binding).external;
    const Key wanted = there.with_port(static_cast<std::uint16_t>(there.port() - side));
    if (wanted.port() != 0 && table_.is_free(wanted, remote)) return wanted;
  }
  return std::nullopt;
}

/// The last 32 bits of the internal address: consecutive hosts have consecutive numbers.
std::uint64_t ExternalPool::host_number(Key internal) const {
  if (!internal.is_v6()) return internal.address();
  const IpAddress address = table_.endpoint(internal).address;
  return load_u32be(address.bytes().data() + 12);
}

void ExternalPool::count_mapping(Key external, int change) {
  if (!blocks_ || behavior_.ports.blocks.mode != BlockMode::dynamic) return;
  const IpAddress address = table_.endpoint(external).address;
  const auto found = std::ranges::find(addresses_, address);
  if (found == addresses_.end()) return;
  blocks_->count_mapping(static_cast<std::uint32_t>(found - addresses_.begin()), external.port(), change);
}

}  // namespace weft::nat

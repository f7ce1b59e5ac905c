// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace weft {

/// A map in one sorted block of memory, for what is changed seldom: an entry takes what key and value take, where a
/// node of a std::map with a pointer for its value takes 64 bytes. A change moves all entries behind it. References,
/// and iterators, end with the next change.
template <typename Key, typename Value>
class FlatMap {
 public:
  using Entry = std::pair<Key, Value>;
  using const_iterator = typename std::vector<Entry>::const_iterator;

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  /// In the order of the keys.
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }

  /// Null: there is none.
  const Value* find(const Key& key) const {
    const auto at = std::ranges::lower_bound(entries_, key, {}, &Entry::first);
    return at == entries_.end() || at->first != key ? nullptr : &at->second;
  }
  /// Adds an entry, or gives the one of that key another value.
  void put(const Key& key, Value value) {
    const auto at = std::ranges::lower_bound(entries_, key, {}, &Entry::first);
    if (at != entries_.end() && at->first == key) {
      at->second = std::move(value);
    } else {
      entries_.emplace(at, key, std::move(value));
    }
  }
  /// No effect if there is none.
  void erase(const Key& key) {
    const auto at = std::ranges::lower_bound(entries_, key, {}, &Entry::first);
    if (at != entries_.end() && at->first == key) entries_.erase(at);
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace weft {

/// First in, first out, in one block of memory. An empty one holds nothing or some 32 bytes, where std::deque
/// holds 576 bytes: a node has several of them for each peer. References end with the next push or pop.
template <typename T>
class Queue {
 public:
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;

  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  /// Items that need no further memory.
  std::size_t room() const { return items_.capacity(); }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }
  iterator begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  const_iterator end() const { return items_.end(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  template <typename... Parts>
  void emplace_back(Parts&&... parts) {
    items_.emplace_back(std::forward<Parts>(parts)...);
  }
  void push_front(T item) { items_.insert(begin(), std::move(item)); }
  void pop_front() {
    ++first_;
    if (empty()) {
      clear();
    } else if (first_ >= kTidy && first_ > size()) {
      items_.erase(items_.begin(), begin());
      first_ = 0;
    }
  }
  iterator erase(iterator item) {
    const auto next = items_.erase(item);
    if (!empty()) return next;
    clear();
    return end();
  }
  template <typename Condition>
  friend void erase_if(Queue& queue, Condition condition) {
    queue.items_.erase(std::remove_if(queue.begin(), queue.end(), condition), queue.items_.end());
    if (queue.empty()) queue.clear();
  }
  void clear() {
    items_.clear();
    first_ = 0;
    if (items_.capacity() > kKept) std::vector<T>().swap(items_);
  }

 private:
  static constexpr std::size_t kKept = 32 / sizeof(T);  // items for which an empty queue has room
  static constexpr std::size_t kTidy = 16;              // taken items that are not worth moving the others

  std::vector<T> items_;  // those before first_ are taken
  std::size_t first_ = 0;
};

}  // namespace weft

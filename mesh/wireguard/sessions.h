// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/time.h"

namespace weft::wireguard {

/// What the control of a device knows of a session that a lane has the keys of.
struct Session {
  std::uint32_t index = 0;
  Time created{};
  bool initiator = false;
  bool sends = false;         // an initiator's at once, a responder's once it is confirmed
  std::uint64_t counter = 0;  // of the next message, as of the last report
};

/// The sessions of one peer in the order in which they were made; three at most, and those that a lane has not yet
/// said to have retired. What the lane's Keypairs will be when it has heard and told all that is on its way: the
/// youngest that sends is the current one in both, since a lane confirms a session only until it gets a younger one.
class Sessions {
 public:
  bool empty() const { return sessions_.empty(); }
  void add(const Session& session) { sessions_.push_back(session); }
  /// False if there is none of that index.
  bool confirm(std::uint32_t index) {
    Session* const session = find(index);
    if (session != nullptr) session->sends = true;
    return session != nullptr;
  }
  void counted(std::uint32_t index, std::uint64_t counter) {
    if (Session* const session = find(index)) session->counter = counter;
  }
  void remove(std::uint32_t index) {
    std::erase_if(sessions_, [index](const Session& session) { return session.index == index; });
  }
  /// Those made then or before.
  void forget_until(Time time) {
    std::erase_if(sessions_, [time](const Session& session) { return session.created <= time; });
  }

  /// The one to send under; null: none.
  const Session* current() const {
    const auto found = std::find_if(sessions_.rbegin(), sessions_.rend(), [](const auto& each) { return each.sends; });
    return found == sessions_.rend() ? nullptr : &*found;
  }
  /// When the first of them was made.
  std::optional<Time> oldest() const {
    if (sessions_.empty()) return std::nullopt;
    return sessions_.front().created;
  }

 private:
  Session* find(std::uint32_t index) {
    const auto found = std::ranges::find(sessions_, index, &Session::index);
    return found == sessions_.end() ? nullptr : &*found;
  }

  std::vector<Session> sessions_;
};

}  // namespace weft::wireguard

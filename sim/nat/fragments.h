// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/nat/nat.h"

namespace weft::nat {

/// What the fragments of one packet have in common (RFC 791 §3.2, RFC 8200 §4.5).
struct FragmentKey {
  Side from = Side::inside;
  std::uint8_t protocol = 0;
  std::uint32_t identification = 0;
  IpAddress source;
  IpAddress destination;
  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};

/// What became of a first fragment, which the others follow.
struct FragmentRoute {
  Outcome::Action action = Outcome::Action::drop;
  IpAddress source;
  IpAddress destination;
  std::optional<std::uint16_t> identification;  // the new one, if it got one
};

/// Remembers the last few first fragments, and holds a few that came before their first one, for the reassembly timeout
/// of RFC 1122 §3.3.2's lower end. What does not fit is dropped (RFC 4787 REQ-14 a: no more than that for an attacker).
class FragmentTable {
 public:
  void remember(Time now, const FragmentKey& key, const FragmentRoute& route);
  /// The first fragment's route, or nullptr.
  const FragmentRoute* find(Time now, const FragmentKey& key) const;

  /// Keeps a later fragment until release(). False if there is no room.
  bool hold(Time now, const FragmentKey& key, ByteView packet);
  /// The fragments that wait for the first one with that key, in order of arrival.
  std::vector<Bytes> release(Time now, const FragmentKey& key);

 private:
  static constexpr Duration kLifetime = 60s;
  static constexpr std::size_t kMost = 64;
  struct Entry {
    FragmentKey key;
    FragmentRoute route;
    Time until{};
  };
  struct Held {
    FragmentKey key;
    Bytes packet;
    Time until{};
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  std::vector<Held> held_;
};

}  // namespace weft::nat

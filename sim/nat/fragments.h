// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>

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
};

/// Remembers the last few first fragments for the reassembly timeout of RFC 1122 §3.3.2's lower end. Fragments that
/// come before their first one are not kept (RFC 4787 §11: "received fragment ordered").
class FragmentTable {
 public:
  void remember(Time now, const FragmentKey& key, const FragmentRoute& route);
  /// The first fragment's route, or nullptr.
  const FragmentRoute* find(Time now, const FragmentKey& key) const;

 private:
  static constexpr Duration kLifetime = 60s;
  struct Entry {
    FragmentKey key;
    FragmentRoute route;
    Time until{};
  };
  std::array<Entry, 64> entries_{};
  std::size_t next_ = 0;
};

}  // namespace weft::nat

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/path/search.h"

namespace weft::agent {

class DatagramMux;

/// The throw-away sockets of one peer's search. The one that carries data stays; so does, for a while, any on which the
/// peer was heard, since the peer may have chosen it.
class SearchSockets {
 public:
  static constexpr Duration kKeepHeard = 60s;

  explicit SearchSockets(DatagramMux& mux) : mux_(mux) {}
  ~SearchSockets();
  SearchSockets(const SearchSockets&) = delete;
  SearchSockets& operator=(const SearchSockets&) = delete;

  /// As many of `need` as the host gives.
  std::vector<path::SearchSocket> open(const path::SearchNeed& need);
  /// Something authentic arrived on `socket`.
  void heard(Time now, std::uint16_t socket);
  void close_unused(Time now, const std::optional<PathId>& chosen);
  bool empty() const { return heard_.empty(); }

 private:
  DatagramMux& mux_;
  std::map<std::uint16_t, std::optional<Time>> heard_;  // of each open socket
};

}  // namespace weft::agent

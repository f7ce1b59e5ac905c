// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/search_sockets.h"

#include "mesh/agent/datagram_mux.h"

namespace weft::agent {

SearchSockets::~SearchSockets() {
  for (const auto& [socket, heard] : heard_) mux_.close_socket(socket);
}

std::vector<path::SearchSocket> SearchSockets::open(const path::SearchNeed& need) {
  std::vector<path::SearchSocket> opened;
  while (opened.size() < need.sockets) {
    const auto socket = mux_.open_search_socket(need.family);
    if (!socket) break;
    heard_[*socket] = std::nullopt;
    opened.push_back({*socket, mux_.port(*socket)});
  }
  return opened;
}

void SearchSockets::heard(Time now, std::uint16_t socket) {
  if (const auto found = heard_.find(socket); found != heard_.end()) found->second = now;
}

void SearchSockets::close_unused(Time now, const std::optional<PathId>& chosen) {
  std::erase_if(heard_, [&](const auto& entry) {
    const auto& [socket, heard] = entry;
    const bool carries = chosen && !chosen->relayed() && chosen->socket == socket;
    if (carries || (heard && now - *heard < kKeepHeard)) return false;
    mux_.close_socket(socket);
    return true;
  });
}

}  // namespace weft::agent

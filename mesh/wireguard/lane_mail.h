// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/wireguard/events.h"
#include "mesh/wireguard/keypair.h"
#include "mesh/wireguard/router.h"

namespace weft::wireguard {

// What the control of a device tells a lane on another thread: a call of the Lane's verb of that name. They are obeyed
// in their order.
struct Adopt {
  PeerId peer = 0;
  std::unique_ptr<Keypair> keypair;
  std::optional<PathId> path;
};
struct SetPath {
  PeerId peer = 0;
  std::optional<PathId> path;
};
struct Flush {
  PeerId peer = 0;
};
struct Keepalive {
  PeerId peer = 0;
  bool start_session = false;
};
struct Expire {
  PeerId peer = 0;
};
struct DropStaged {
  PeerId peer = 0;
};
struct Remove {
  PeerId peer = 0;
};
struct SetRouter {
  std::shared_ptr<const Router> router;
};
using LaneOrder = std::variant<Adopt, SetPath, Flush, Keepalive, Expire, DropStaged, Remove, SetRouter>;

/// Some messages sealed under one session.
struct SealedReport {
  std::uint32_t index = 0;    // which session: its receiver index on our side
  std::uint64_t counter = 0;  // of its next message
  std::size_t bytes = 0;      // headers included
  bool data = false;          // not a keepalive
};

/// What a lane on another thread tells of one peer and one batch: the calls of LaneReports that came of it.
struct LaneNote {
  PeerId peer = 0;
  std::size_t received = 0;  // bytes; 0: nothing was
  PathId path;               // the last of that
  std::optional<std::uint32_t> confirmed;
  SealedReport sealed;  // bytes 0: nothing was
  bool opened = false;  // something was
  bool data = false;    // of what was opened
  bool wanted = false;
  std::vector<std::uint32_t> retired;

  // For who looks after the path.
  bool needed = false;  // the host has packets for the peer
  std::uint32_t datagrams_sent = 0, datagrams_received = 0, largest_sent = 0;
};

/// How a packet on the wrong lane is to be taken by the right one.
enum class Astray : std::uint8_t { inner, datagram };  // to be sealed; to be opened

/// The lanes of a device on other threads than its own, by number; lane 0 is its own. All peers are the device's; a
/// lane's are those whose number, modulo the count of lanes, is the lane's.
struct OtherLanes {
  unsigned count = 1;  // of all lanes: 1, 2, 4 or 8
  std::function<void(unsigned lane, LaneOrder order)> tell = {};
  /// Copies the packet; false if there is no room for it.
  std::function<bool(unsigned lane, Astray kind, const PacketSlot& slot)> pass_on = {};
};

}  // namespace weft::wireguard

// SPDX-License-Identifier: BSD-3-Clause
#include <utility>

#include "mesh/wireguard/device_impl.h"

namespace weft::wireguard {

void Device::Impl::wanted(Time now, PeerId id) {
  Known* const known = find(id);
  if (known == nullptr) return shared.lanes.remove(id);  // removed meanwhile
  Peer& peer = wake(now, *known);
  peer.initiate(now);
  reschedule(peer);
}

void Device::Impl::sealed(Time now, PeerId id, const SealedReport& report) {
  Known* const known = find(id);
  if (known == nullptr) return;
  Peer& peer = wake(now, *known);
  peer.sealed(now, report);
  reschedule(peer);
}

void Device::Impl::received(Time now, PeerId id, const PathId& path, std::size_t bytes) {
  if (Known* const known = find(id)) wake(now, *known).received(now, path, bytes);
}

void Device::Impl::confirmed(Time now, PeerId id, std::uint32_t index, const PathId& path) {
  if (Known* const known = find(id)) wake(now, *known).confirmed(now, index, path);
}

void Device::Impl::opened(Time now, PeerId id, bool data) {
  Known* const known = find(id);
  if (known == nullptr) return;
  Peer& peer = wake(now, *known);
  peer.opened(now, data);
  reschedule(peer);
}

void Device::Impl::retired(PeerId id, std::uint32_t index) {
  shared.indices.remove(index);
  Known* const known = find(id);
  if (known != nullptr && known->live) known->live->retired(index);
}

bool Device::Impl::pass_on(unsigned number, Astray kind, const PacketSlot& slot) {
  return shared.config.lanes.pass_on(number, kind, slot);
}

/// In the order of the calls that it stands for.
void Device::Impl::handle_note(Time now, const LaneNote& note) {
  for (const std::uint32_t index : note.retired) retired(note.peer, index);
  if (note.received > 0) received(now, note.peer, note.path, note.received);
  if (note.confirmed) confirmed(now, note.peer, *note.confirmed, note.path);
  if (note.sealed.bytes > 0) sealed(now, note.peer, note.sealed);
  if (note.opened) opened(now, note.peer, note.data);
  if (note.wanted) wanted(now, note.peer);
}

void Device::Impl::send(PeerId peer, const PathId& path, Bytes message) {
  shared.outgoing.push_back({path, peer, std::move(message)});
}

}  // namespace weft::wireguard

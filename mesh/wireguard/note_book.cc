// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/note_book.h"

#include <algorithm>
#include <utility>

namespace weft::wireguard {
namespace {

void add(SealedReport& sum, const SealedReport& later) {
  const std::size_t bytes = sum.bytes + later.bytes;
  const bool data = sum.data || later.data;
  sum = later;
  sum.bytes = bytes;
  sum.data = data;
}

}  // namespace

LaneNote& NoteBook::of(PeerId peer) {
  if (!notes_.empty() && notes_.back().peer == peer) return notes_.back();
  const auto found = std::ranges::find(notes_, peer, &LaneNote::peer);
  if (found != notes_.end()) return *found;
  LaneNote& note = notes_.emplace_back();
  note.peer = peer;
  return note;
}

void NoteBook::wanted(Time, PeerId peer) { of(peer).wanted = true; }

void NoteBook::sealed(Time, PeerId peer, const SealedReport& report) { add(of(peer).sealed, report); }

void NoteBook::received(Time, PeerId peer, const PathId& path, std::size_t bytes) {
  LaneNote& note = of(peer);
  note.received += bytes;
  note.path = path;
}

void NoteBook::confirmed(Time, PeerId peer, std::uint32_t index, const PathId&) { of(peer).confirmed = index; }

void NoteBook::opened(Time, PeerId peer, bool data) {
  LaneNote& note = of(peer);
  note.opened = true;
  note.data = note.data || data;
}

void NoteBook::retired(PeerId peer, std::uint32_t index) { of(peer).retired.push_back(index); }

void merge(LaneNote& note, LaneNote later) {
  note.received += later.received;
  if (later.received > 0) note.path = later.path;
  if (later.confirmed) note.confirmed = later.confirmed;
  if (later.sealed.bytes > 0) add(note.sealed, later.sealed);
  note.opened = note.opened || later.opened;
  note.data = note.data || later.data;
  note.wanted = note.wanted || later.wanted;
  note.needed = note.needed || later.needed;
  note.datagrams_sent += later.datagrams_sent;
  note.datagrams_received += later.datagrams_received;
  note.largest_sent = std::max(note.largest_sent, later.largest_sent);
  note.retired.insert(note.retired.end(), later.retired.begin(), later.retired.end());
}

}  // namespace weft::wireguard

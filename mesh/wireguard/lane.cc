// SPDX-License-Identifier: BSD-3-Clause
// What the control of the device tells a lane; seal.cc and open.cc hold the way of the packets.
#include "mesh/wireguard/lane.h"

#include <algorithm>
#include <utility>

namespace weft::wireguard {

std::size_t padded_size(std::size_t length, std::size_t mtu) {
  if (length >= mtu) return length;
  return std::min(mtu, (length + kPadding - 1) / kPadding * kPadding);
}

LanePeer* Lane::find(PeerId id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

LanePeer& Lane::find_or_make(PeerId id) { return peers_.try_emplace(id, id, sessions_).first->second; }

void Lane::forget_if_empty(PeerId id) {
  const auto found = peers_.find(id);
  if (found == peers_.end() || !found->second.keypairs.empty() || !found->second.staged.empty()) return;
  peers_.erase(found);
}

void Lane::tell_retired() {
  for (; told_ < sessions_.retired().size(); ++told_) {
    const auto& [peer, keypair] = sessions_.retired()[told_];
    reports_.retired(peer, keypair->local_index);
  }
}

void Lane::bury() {
  sessions_.bury();
  told_ = 0;
}

void Lane::obey(Time now, LaneOrder order) {
  struct Obey {
    Lane& lane;
    Time now;
    void operator()(Adopt& adopt) const { lane.adopt(adopt.peer, std::move(adopt.keypair), adopt.path); }
    void operator()(const SetPath& set) const { lane.set_path(set.peer, set.path); }
    void operator()(const Flush& flush) const { lane.flush(now, flush.peer); }
    void operator()(const Keepalive& keepalive) const { lane.keepalive(now, keepalive.peer, keepalive.start_session); }
    void operator()(const Expire& expire) const { lane.expire(now, expire.peer); }
    void operator()(const DropStaged& drop) const { lane.drop_staged(drop.peer); }
    void operator()(const Remove& remove) const { lane.remove(remove.peer); }
    void operator()(SetRouter& set) const {
      lane.set_router(*set.router);
      lane.published_ = std::move(set.router);
    }
  };
  std::visit(Obey{*this, now}, order);
}

PacketVerdict Lane::pass_on(unsigned lane, Astray kind, const PacketSlot& slot) {
  return reports_.pass_on(lane, kind, slot) ? PacketVerdict::consumed : PacketVerdict::overflow;
}

void Lane::adopt(PeerId id, std::unique_ptr<Keypair> keypair, const std::optional<PathId>& path) {
  LanePeer& peer = find_or_make(id);
  peer.path = path;
  sessions_.add(&peer, keypair.get());
  if (keypair->initiator) {
    peer.keypairs.add_initiated(std::move(keypair));
  } else {
    peer.keypairs.add_responded(std::move(keypair));
  }
  tell_retired();
}

void Lane::set_path(PeerId id, const std::optional<PathId>& path) {
  if (LanePeer* const peer = find(id)) peer->path = path;
}

void Lane::expire(Time now, PeerId id) {
  LanePeer* const peer = find(id);
  if (peer == nullptr) return;
  peer->keypairs.expire(now, config_.limits);
  tell_retired();
  forget_if_empty(id);
}

void Lane::drop_staged(PeerId id) {
  LanePeer* const peer = find(id);
  if (peer == nullptr) return;
  counters_.staged_dropped += peer->staged.clear();
  forget_if_empty(id);
}

void Lane::remove(PeerId id) {
  LanePeer* const peer = find(id);
  if (peer == nullptr) return;
  peer->keypairs.clear();
  tell_retired();
  peers_.erase(id);
}

bool Lane::has_staged(PeerId id) const {
  const auto found = peers_.find(id);
  return found != peers_.end() && !found->second.staged.empty();
}

void Lane::flush(Time now, PeerId id) {
  if (LanePeer* const peer = find(id)) flush(now, *peer);
}

void Lane::keepalive(Time now, PeerId id, bool start_session) {
  LanePeer* const peer = find(id);
  if (peer != nullptr && !peer->staged.empty()) return flush(now, *peer);
  Keypair* const keypair = peer == nullptr ? nullptr : sending_keypair(now, *peer);
  if (keypair == nullptr || !peer->path) {
    if (start_session) reports_.wanted(now, id);
    return;
  }
  constexpr std::size_t kSize = kTransportHeaderSize + kTagSize;
  send_message(*peer, *keypair, Bytes(kSize));
  ++counters_.keepalives_sent;
  reports_.sealed(now, id, {keypair->local_index, keypair->send_counter, kSize, false});
}

Keypair* Lane::sending_keypair(Time now, const LanePeer& peer) const {
  Keypair* const keypair = peer.keypairs.current();
  return keypair != nullptr && keypair->may_send(now, config_.limits) ? keypair : nullptr;
}

void Lane::stage(Time now, LanePeer& peer, ByteView packet) {
  counters_.staged_dropped += peer.staged.push(packet, padded_size(packet.size(), config_.mtu));
  reports_.wanted(now, peer.id);
}

void Lane::flush(Time now, LanePeer& peer) {
  if (peer.staged.empty() || !peer.path) return;
  SealedReport report{.data = true};
  Keypair* keypair = sending_keypair(now, peer);
  while (keypair != nullptr && !peer.staged.empty()) {
    Bytes message = peer.staged.pop();
    report.bytes += message.size();
    ++counters_.packets_sealed;
    send_message(peer, *keypair, std::move(message));
    report.index = keypair->local_index;
    report.counter = keypair->send_counter;
    keypair = sending_keypair(now, peer);
  }
  if (report.bytes > 0) reports_.sealed(now, peer.id, report);
  if (!peer.staged.empty()) reports_.wanted(now, peer.id);
}

void Lane::send_message(const LanePeer& peer, Keypair& keypair, Bytes message) {
  crypto::AeadItem item{.counter = keypair.send_counter++,
                        .data = message.data() + kTransportHeaderSize,
                        .length = message.size() - kTransportHeaderSize - kTagSize};
  write_transport_header(message.data(), {keypair.remote_index, item.counter});
  keypair.sending.seal({&item, 1});
  reports_.send(peer.id, *peer.path, std::move(message));
}

}  // namespace weft::wireguard

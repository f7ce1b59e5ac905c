// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/peer.h"

#include <algorithm>
#include <utility>

namespace weft::wireguard {

PeerFacts::PeerFacts(PeerId number, const PeerConfig& config)
    : public_key(config.public_key),
      id(number),
      roaming(config.roaming),
      path(config.path),
      persistent_keepalive(config.persistent_keepalive) {
  if (!config.preshared_key.is_zero()) preshared_key = std::make_unique<crypto::PresharedKey>(config.preshared_key);
}

const PeerSecrets& PeerFacts::secrets(const Identity& identity) {
  if (!made_secrets) {
    made_secrets = std::make_unique<PeerSecrets>();
    made_secrets->public_key = public_key;
    if (preshared_key) made_secrets->preshared_key = *preshared_key;
    if (const auto product = crypto::x25519(identity.private_key, public_key)) made_secrets->static_static = *product;
  }
  return *made_secrets;
}

Peer::Peer(Time now, PeerFacts& facts, Shared& shared) : facts_(facts), shared_(shared), cookies_(facts.public_key) {
  if (facts_.persistent_keepalive > Duration(0)) deadlines_.set(Timer::persistent_keepalive, now);
}

Peer::~Peer() { forget_initiation(); }

bool Peer::resting(Time now) const {
  const bool may_initiate = !initiation_sent_ || now >= *initiation_sent_ + limits().rekey_timeout;
  return sessions_.empty() && !initiation_ && !shared_.lanes.has_staged(id()) && !deadlines_.earliest() && may_initiate;
}

void Peer::set_path(Time now, std::optional<PathId> path) {
  if (path == facts_.path) return;
  facts_.path = path;
  told_path_.reset();
  shared_.lanes.set_path(id(), path);
  if (!facts_.path) return;
  if (initiation_wanted_) {
    send_initiation(now);
  } else if (initiation_ && initiation_sent_ && deadlines_.armed(Timer::retransmit_handshake)) {
    const Time soon = std::max(now, *initiation_sent_ + kPathChangeRetry);
    deadlines_.set(Timer::retransmit_handshake, std::min(soon, *deadlines_.get(Timer::retransmit_handshake)));
  }
  shared_.lanes.flush(now, id());
}

void Peer::initiate(Time now) {
  attempt_started_ = now;
  initiate_or_wait(now);
}

void Peer::initiate_or_wait(Time now) {
  if (!initiation_sent_ || now >= *initiation_sent_ + limits().rekey_timeout) {
    if (!initiation_wanted_) send_initiation(now);
  } else if (!deadlines_.armed(Timer::retransmit_handshake)) {
    deadlines_.set(Timer::retransmit_handshake, *initiation_sent_ + limits().rekey_timeout + jitter());
  }
}

void Peer::send_initiation(Time now) {
  deadlines_.set(Timer::retransmit_handshake, now + limits().rekey_timeout + jitter());
  initiation_wanted_ = !facts_.path;
  if (!facts_.path) return;
  forget_initiation();
  const std::uint32_t index = shared_.indices.add(id(), shared_.lanes.lane_of(id()), shared_.lanes.count());
  auto created =
      create_initiation(shared_.identity, secrets(), index, shared_.config.next_timestamp(), shared_.entropy);
  if (!created) return shared_.indices.remove(index);
  initiation_ = std::make_unique<InitiatorState>(std::move(created->state));
  initiation_sent_ = now;
  Bytes message = serialize(created->message);
  cookies_.add_macs(now, message);
  authenticated_sent(now, message.size());
  ++shared_.counters.initiations_sent;
  shared_.outgoing.push_back({*facts_.path, id(), std::move(message)});
}

void Peer::forget_initiation() {
  if (initiation_) shared_.indices.remove(initiation_->sender_index);
  initiation_.reset();
}

void Peer::retransmit_or_give_up(Time now) {
  if (now < attempt_started_ + limits().rekey_attempt_time) return send_initiation(now);
  forget_initiation();
  initiation_wanted_ = false;
  deadlines_.clear(Timer::send_keepalive);
  shared_.lanes.drop_staged(id());
  shared_.events.push_back(HandshakeGivenUp{id()});
}

void Peer::adopt(Time now, const TransportKeys& keys, bool initiator, std::uint32_t index, std::uint32_t remote_index) {
  shared_.indices.attach(index);
  sessions_.add({index, now, initiator, initiator});
  auto keypair = std::make_unique<Keypair>(keys, shared_.config.cipher, initiator, now, index, remote_index);
  shared_.lanes.adopt(id(), std::move(keypair), facts_.path);
  keys_changed();
}

void Peer::sealed(Time now, const SealedReport& report) {
  sessions_.counted(report.index, report.counter);
  authenticated_sent(now, report.bytes);
  if (std::exchange(repeat_keepalive_, false) && !report.data) {
    deadlines_.set(Timer::send_keepalive, now + limits().keepalive_timeout);
  }
  if (report.data && !deadlines_.armed(Timer::new_handshake)) {
    deadlines_.set(Timer::new_handshake, now + limits().keepalive_timeout + limits().rekey_timeout + jitter());
  }
  renew_if_worn(now);
}

void Peer::confirmed(Time now, std::uint32_t index, const PathId& path) {
  if (sessions_.confirm(index)) handshake_completed(now, false, path);
}

void Peer::opened(Time now, bool data) {
  if (data) {
    if (deadlines_.armed(Timer::send_keepalive)) {
      another_keepalive_ = true;
    } else {
      deadlines_.set(Timer::send_keepalive, now + limits().keepalive_timeout);
    }
  }
  // A side that only receives renews too, in time for the sender to go on without a gap.
  const Session* const current = sessions_.current();
  const Duration late = limits().reject_after_time - limits().keepalive_timeout - limits().rekey_timeout;
  if (current != nullptr && current->initiator && now >= current->created + late) initiate(now);
}

void Peer::retired(std::uint32_t index) {
  sessions_.remove(index);
  keys_changed();
}

bool Peer::consume_response(Time now, const PathId& from, const HandshakeResponse& message) {
  if (!initiation_ || initiation_->sender_index != message.receiver_index) return false;
  const auto keys = wireguard::consume_response(shared_.identity, *initiation_, secrets(), message);
  if (!keys) return false;
  initiation_.reset();  // its index is now the session's
  adopt(now, *keys, true, message.receiver_index, message.sender_index);
  received(now, from, kResponseSize);
  handshake_completed(now, true, from);
  shared_.lanes.keepalive(now, id(), false);  // or what is staged: either tells the responder that the keys are good
  return true;
}

bool Peer::consume_initiation(Time now, const PathId& from, ReceivedInitiation initiation, const Tai64n& timestamp) {
  if (facts_.greatest_timestamp && timestamp <= *facts_.greatest_timestamp) return false;
  if (initiation_consumed_ && now < *initiation_consumed_ + kInitiationSpacing) return false;
  facts_.greatest_timestamp = timestamp;
  initiation_consumed_ = now;
  const std::uint32_t remote_index = initiation.remote_index;
  const std::uint32_t index = shared_.indices.add(id(), shared_.lanes.lane_of(id()), shared_.lanes.count());
  const auto created = create_response(std::move(initiation), secrets(), index, shared_.entropy);
  if (!created) return shared_.indices.remove(index), false;
  adopt(now, created->keys, false, index, remote_index);
  received(now, from, kInitiationSize);
  Bytes message = serialize(created->message);
  cookies_.add_macs(now, message);
  authenticated_sent(now, message.size());
  ++shared_.counters.responses_sent;
  shared_.outgoing.push_back({from, id(), std::move(message)});
  return true;
}

bool Peer::consume_cookie_reply(Time now, const CookieReply& message) { return cookies_.consume_reply(now, message); }

void Peer::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::expire_keys, now)) expire_keys(now);
  if (deadlines_.take_expired(Timer::retransmit_handshake, now)) retransmit_or_give_up(now);
  if (deadlines_.take_expired(Timer::new_handshake, now)) initiate(now);
  if (deadlines_.take_expired(Timer::send_keepalive, now)) {
    const bool another = another_keepalive_;
    repeat_keepalive_ = another && !shared_.lanes.own(id());
    shared_.lanes.keepalive(now, id(), false);
    another_keepalive_ = false;
    if (another) deadlines_.set(Timer::send_keepalive, now + limits().keepalive_timeout);
  }
  if (deadlines_.take_expired(Timer::persistent_keepalive, now)) {
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
    shared_.lanes.keepalive(now, id(), true);
  }
}

void Peer::handshake_completed(Time now, bool initiator, const PathId& from) {
  deadlines_.clear(Timer::retransmit_handshake);
  forget_initiation();
  initiation_wanted_ = false;
  facts_.last_handshake = now;
  shared_.events.push_back(HandshakeCompleted{id(), initiator, from});
}

void Peer::keys_changed() {
  if (const auto oldest = sessions_.oldest()) {
    deadlines_.set(Timer::expire_keys, *oldest + limits().reject_after_time);
  } else {
    deadlines_.clear(Timer::expire_keys);
  }
}

void Peer::expire_keys(Time now) {
  shared_.lanes.expire(now, id());
  sessions_.forget_until(now - limits().reject_after_time);
  keys_changed();
  if (sessions_.empty()) shared_.events.push_back(SessionExpired{id()});
}

void Peer::authenticated_sent(Time now, std::size_t bytes) {
  facts_.tx_bytes += bytes;
  another_keepalive_ = false;
  deadlines_.clear(Timer::send_keepalive);
  if (facts_.persistent_keepalive > Duration(0))
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
}

void Peer::received(Time now, const PathId& from, std::size_t bytes) {
  facts_.rx_bytes += bytes;
  deadlines_.clear(Timer::new_handshake);
  if (facts_.persistent_keepalive > Duration(0))
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
  if (facts_.path == from) return;
  if (facts_.roaming) {
    facts_.path = from;
    shared_.lanes.set_path(id(), from);
  } else if (told_path_ != from) {
    told_path_ = from;
    shared_.events.push_back(PathSeen{id(), from});
  }
}

void Peer::renew_if_worn(Time now) {
  const Session* const current = sessions_.current();
  if (current == nullptr) return;
  const bool old = current->initiator && now >= current->created + limits().rekey_after_time;
  if (old || current->counter >= limits().rekey_after_messages) initiate(now);
}

}  // namespace weft::wireguard

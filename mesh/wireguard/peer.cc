// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/peer.h"

#include <algorithm>
#include <utility>

namespace weft::wireguard {

std::size_t padded_size(std::size_t length, std::size_t mtu) {
  if (length >= mtu) return length;
  return std::min(mtu, (length + kPadding - 1) / kPadding * kPadding);
}

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

Peer::Peer(Time now, PeerFacts& facts, Shared& shared)
    : facts_(facts), shared_(shared), keypairs_(shared.indices), cookies_(facts.public_key) {
  if (facts_.persistent_keepalive > Duration(0)) deadlines_.set(Timer::persistent_keepalive, now);
}

Peer::~Peer() { forget_initiation(); }

bool Peer::resting(Time now) const {
  const bool may_initiate = !initiation_sent_ || now >= *initiation_sent_ + limits().rekey_timeout;
  return keypairs_.empty() && !initiation_ && staged_.empty() && !deadlines_.earliest() && may_initiate;
}

void Peer::set_path(Time now, std::optional<PathId> path) {
  if (path == facts_.path) return;
  facts_.path = path;
  told_path_.reset();
  if (!facts_.path) return;
  if (initiation_wanted_) {
    send_initiation(now);
  } else if (initiation_ && initiation_sent_ && deadlines_.armed(Timer::retransmit_handshake)) {
    const Time soon = std::max(now, *initiation_sent_ + kPathChangeRetry);
    deadlines_.set(Timer::retransmit_handshake, std::min(soon, *deadlines_.get(Timer::retransmit_handshake)));
  }
  send_staged(now);
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
  const std::uint32_t index = shared_.indices.add(this);
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
  shared_.counters.staged_dropped += staged_.clear();
  shared_.events.push_back(HandshakeGivenUp{id()});
}

Keypair* Peer::sending_keypair(Time now) const {
  Keypair* const keypair = keypairs_.current();
  return keypair != nullptr && keypair->may_send(now, limits()) ? keypair : nullptr;
}

void Peer::stage(Time now, ByteView packet) {
  shared_.counters.staged_dropped += staged_.push(packet, padded_size(packet.size(), shared_.config.mtu));
  initiate(now);
}

void Peer::packets_sealed(Time now, std::size_t bytes) {
  authenticated_sent(now, bytes);
  if (!deadlines_.armed(Timer::new_handshake)) {
    deadlines_.set(Timer::new_handshake, now + limits().keepalive_timeout + limits().rekey_timeout + jitter());
  }
  renew_if_worn(now);
}

void Peer::packets_opened(Time now, const Keypair& keypair, const PathId& path, std::size_t bytes, bool data) {
  authenticated_received(now, path, bytes);
  if (keypairs_.confirm(&keypair)) {
    keys_changed();
    handshake_completed(now, false, path);
    send_staged(now);
  }
  if (data) {
    if (deadlines_.armed(Timer::send_keepalive)) {
      another_keepalive_ = true;
    } else {
      deadlines_.set(Timer::send_keepalive, now + limits().keepalive_timeout);
    }
  }
  // A side that only receives renews too, in time for the sender to go on without a gap.
  const Keypair* const current = keypairs_.current();
  const Duration late = limits().reject_after_time - limits().keepalive_timeout - limits().rekey_timeout;
  if (current != nullptr && current->initiator && now >= current->created + late) initiate(now);
}

bool Peer::consume_response(Time now, const PathId& from, const HandshakeResponse& message) {
  if (!initiation_ || initiation_->sender_index != message.receiver_index) return false;
  const auto keys = wireguard::consume_response(shared_.identity, *initiation_, secrets(), message);
  if (!keys) return false;
  auto keypair =
      std::make_unique<Keypair>(*keys, shared_.config.cipher, true, now, message.receiver_index, message.sender_index);
  shared_.indices.attach(message.receiver_index, keypair.get());
  initiation_.reset();  // its index is now the keypair's
  keypairs_.add_initiated(std::move(keypair));
  keys_changed();
  authenticated_received(now, from, kResponseSize);
  handshake_completed(now, true, from);
  send_keepalive(now, false);  // or what is staged: either tells the responder that the keys are good
  return true;
}

bool Peer::consume_initiation(Time now, const PathId& from, ReceivedInitiation received, const Tai64n& timestamp) {
  if (facts_.greatest_timestamp && timestamp <= *facts_.greatest_timestamp) return false;
  if (initiation_consumed_ && now < *initiation_consumed_ + kInitiationSpacing) return false;
  facts_.greatest_timestamp = timestamp;
  initiation_consumed_ = now;
  const std::uint32_t remote_index = received.remote_index;
  const std::uint32_t index = shared_.indices.add(this);
  const auto created = create_response(std::move(received), secrets(), index, shared_.entropy);
  if (!created) return shared_.indices.remove(index), false;
  auto keypair = std::make_unique<Keypair>(created->keys, shared_.config.cipher, false, now, index, remote_index);
  shared_.indices.attach(index, keypair.get());
  keypairs_.add_responded(std::move(keypair));
  keys_changed();
  authenticated_received(now, from, kInitiationSize);
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
    send_keepalive(now, false);
    another_keepalive_ = false;
    if (another) deadlines_.set(Timer::send_keepalive, now + limits().keepalive_timeout);
  }
  if (deadlines_.take_expired(Timer::persistent_keepalive, now)) {
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
    send_keepalive(now, true);
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
  const auto expiry = keypairs_.next_expiry(limits());
  if (expiry) {
    deadlines_.set(Timer::expire_keys, *expiry);
  } else {
    deadlines_.clear(Timer::expire_keys);
  }
}

void Peer::expire_keys(Time now) {
  keypairs_.expire(now, limits());
  keys_changed();
  if (keypairs_.empty()) shared_.events.push_back(SessionExpired{id()});
}

void Peer::send_keepalive(Time now, bool start_session) {
  if (!staged_.empty()) return send_staged(now);
  Keypair* const keypair = sending_keypair(now);
  if (keypair == nullptr || !facts_.path) {
    if (start_session) initiate(now);
    return;
  }
  constexpr std::size_t kSize = kTransportHeaderSize + kTagSize;
  send_message(*keypair, Bytes(kSize));
  ++shared_.counters.keepalives_sent;
  authenticated_sent(now, kSize);
  renew_if_worn(now);
}

void Peer::send_staged(Time now) {
  if (staged_.empty() || !facts_.path) return;
  std::size_t bytes = 0;
  Keypair* keypair = sending_keypair(now);
  while (keypair != nullptr && !staged_.empty()) {
    Bytes message = staged_.pop();
    bytes += message.size();
    ++shared_.counters.packets_sealed;
    send_message(*keypair, std::move(message));
    keypair = sending_keypair(now);
  }
  if (bytes > 0) packets_sealed(now, bytes);
  if (!staged_.empty()) initiate(now);
}

void Peer::send_message(Keypair& keypair, Bytes message) {
  crypto::AeadItem item{.counter = keypair.send_counter++,
                        .data = message.data() + kTransportHeaderSize,
                        .length = message.size() - kTransportHeaderSize - kTagSize};
  write_transport_header(message.data(), {keypair.remote_index, item.counter});
  keypair.sending.seal({&item, 1});
  shared_.outgoing.push_back({*facts_.path, id(), std::move(message)});
}

void Peer::authenticated_sent(Time now, std::size_t bytes) {
  facts_.tx_bytes += bytes;
  another_keepalive_ = false;
  deadlines_.clear(Timer::send_keepalive);
  if (facts_.persistent_keepalive > Duration(0))
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
}

void Peer::authenticated_received(Time now, const PathId& from, std::size_t bytes) {
  facts_.rx_bytes += bytes;
  deadlines_.clear(Timer::new_handshake);
  if (facts_.persistent_keepalive > Duration(0))
    deadlines_.set(Timer::persistent_keepalive, now + facts_.persistent_keepalive);
  if (facts_.path == from) return;
  if (facts_.roaming) {
    facts_.path = from;
  } else if (told_path_ != from) {
    told_path_ = from;
    shared_.events.push_back(PathSeen{id(), from});
  }
}

void Peer::renew_if_worn(Time now) {
  const Keypair* const current = keypairs_.current();
  if (current == nullptr) return;
  const bool old = current->initiator && now >= current->created + limits().rekey_after_time;
  if (old || current->send_counter >= limits().rekey_after_messages) initiate(now);
}

}  // namespace weft::wireguard

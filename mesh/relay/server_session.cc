// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/server_session.h"

#include "mesh/relay/admission.h"

namespace weft::relay {

ServerSession::ServerSession(Time now, const ServerConfig& config, Entropy& entropy)
    : config_(config), ephemeral_(crypto::PrivateKey::generate(entropy)), out_(config.queue_limit) {
  Nonce nonce;
  entropy.fill(nonce);
  hello_ = make_relay_hello(ephemeral_.public_key(), nonce, config.identity);
  out_.push_control(FrameType::relay_hello, hello_.body);
  deadlines_.set(Timer::handshake, now + kServerHandshakeTimeout);
}

std::optional<SessionOutput> ServerSession::next(Time now, WallTime wall_now) {
  if (closed()) return std::nullopt;
  const auto frame = reader_.next();
  if (!frame) {
    refuse(frame.error());
    return std::nullopt;
  }
  if (!*frame) return std::nullopt;
  return ready() ? handle_ready(now, wall_now, **frame) : handle_hello(now, wall_now, **frame);
}

SessionOutput ServerSession::handle_hello(Time now, WallTime wall_now, const Frame& frame) {
  if (frame.type != FrameType::client_hello) return refuse(RelayError::malformed), SessionOutput{};
  const auto client = parse_client_hello(frame.body);
  if (!client) return refuse(client.error()), SessionOutput{};
  const auto proofs = make_proofs(ephemeral_, client->node_key, hello_, *client);
  if (!proofs || !crypto::equal_constant_time(proofs->client, client->proof)) {
    return refuse(RelayError::wrong_proof), SessionOutput{};
  }
  node_key_ = client->node_key;
  udp_key_ = proofs->udp_key;
  if (!admit(now, wall_now, client->admission)) return {};
  state_ = State::ready;
  ephemeral_ = crypto::PrivateKey();
  hello_.body = Bytes();
  reader_.set_limit(kMaxFrame);
  deadlines_.clear(Timer::handshake);
  deadlines_.set(Timer::silence, now + kClientSilence);
  out_.push_control(FrameType::welcome, ByteView(&kVersion, 1), proofs->relay);
  return {.kind = SessionOutput::Kind::admitted};
}

/// Whether the admission is this node's and current; refuses otherwise. The session then lasts as long as the
/// admission.
bool ServerSession::admit(Time now, WallTime wall_now, ByteView bytes) {
  if (!config_.coordinator) return refuse(RelayError::not_ready), false;
  const auto admission = verify_admission(bytes, *config_.coordinator, wall_now);
  if (!admission) return refuse(admission.error()), false;
  if (admission->node_key != node_key_) return refuse(RelayError::admission_foreign), false;
  const auto revoked = config_.revoked.find(node_key_);
  if (revoked != config_.revoked.end() && admission->not_after <= revoked->second) {
    return refuse(RelayError::admission_expired), false;
  }
  admitted_until_ = admission->not_after;
  deadlines_.set(Timer::admission, now + (admission->not_after - wall_now));
  return true;
}

SessionOutput ServerSession::handle_ready(Time now, WallTime wall_now, const Frame& frame) {
  deadlines_.set(Timer::silence, now + kClientSilence);
  switch (frame.type) {
    case FrameType::send: {
      const auto addressed = parse_addressed(frame.body);
      if (!addressed) return refuse(addressed.error()), SessionOutput{};
      return {.kind = SessionOutput::Kind::forward, .forward = *addressed};
    }
    case FrameType::ping:
      if (frame.body.size() != 8) return refuse(RelayError::malformed), SessionOutput{};
      out_.push_control(FrameType::pong, frame.body);
      return {};
    case FrameType::admission:
      admit(now, wall_now, frame.body);
      return {};
    case FrameType::udp_request:
      return {.kind = SessionOutput::Kind::udp_requested};
    case FrameType::channel_known:
      if (frame.body.size() != 4) return refuse(RelayError::malformed), SessionOutput{};
      return {.kind = SessionOutput::Kind::channel_known, .channel = load_u32be(frame.body.data())};
    case FrameType::dial_back: {
      const auto request = parse_dial_request(frame.body);
      if (!request) return refuse(RelayError::malformed), SessionOutput{};
      return {.kind = SessionOutput::Kind::dial_back, .dial = *request};
    }
    case FrameType::relay_hello:
    case FrameType::client_hello:
    case FrameType::welcome:
      refuse(RelayError::malformed);
      return {};
    default:
      return {};  // a later version's
  }
}

void ServerSession::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::admission, now)) return refuse(RelayError::admission_expired);
  if (deadlines_.take_expired(Timer::handshake, now) || deadlines_.take_expired(Timer::silence, now)) {
    refuse(RelayError::timed_out);
  }
}

bool ServerSession::deliver(const crypto::PublicKey& from, ByteView datagram) {
  return ready() && out_.push_datagram(FrameType::received, from, datagram);
}

void ServerSession::report_absent(const crypto::PublicKey& key) {
  if (ready()) out_.push_control(FrameType::peer_absent, key.bytes());
}

void ServerSession::offer_udp(UdpBinding binding) {
  if (ready()) out_.push_control(FrameType::udp_offer, Writer().u64be(binding).view());
}

void ServerSession::report_dialled(const Dialled& dialled) {
  if (ready()) out_.push_control(FrameType::dialled, encode(dialled));
}

bool ServerSession::tell_channel(const crypto::PublicKey& peer, UdpChannel channel) {
  return ready() && out_.push_control(FrameType::channel, peer.bytes(), Writer().u32be(channel).view());
}

void ServerSession::refuse(RelayError reason) {
  if (closed()) return;
  state_ = State::closed;
  reason_ = reason;
  deadlines_.clear_all();
  out_.drop_datagrams();
  const auto byte = static_cast<std::uint8_t>(reason);
  out_.push_control(FrameType::refused, ByteView(&byte, 1));
}

}  // namespace weft::relay

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/client_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/relay/handshake.h"

namespace weft::relay {
namespace {

constexpr std::size_t kTokenSize = 8;

}  // namespace

ClientSession::ClientSession(ClientConfig config, Random& random)
    : config_(std::move(config)), random_(random), out_(config_.queue_limit), udp_(config_.udp_endpoints) {}

void ClientSession::start(Time now) {
  last_heard_ = now;
  deadlines_.set(Timer::handshake, now + kHandshakeTimeout);
}

void ClientSession::handle_data(Time now, ByteView bytes) {
  if (failed()) return;
  reader_.push(bytes);
  heard(now);
  while (!failed()) {
    const auto frame = reader_.next();
    if (!frame) return fail(frame.error(), weft::ErrorCode::corrupt, "the relay broke the protocol");
    if (!*frame) return;
    handle_frame(now, **frame);
  }
}

void ClientSession::heard(Time now) {
  last_heard_ = now;
  deadlines_.clear(Timer::answer);
  deadlines_.clear(Timer::overdue);
  if (std::exchange(overdue_, false)) events_.emplace_back(HeardAgain{});
  if (ready()) deadlines_.set(Timer::idle, now + kIdlePing);
}

void ClientSession::handle_frame(Time now, const Frame& frame) {
  if (frame.type == FrameType::refused) {
    const auto reason = frame.body.empty() ? RelayError::malformed : static_cast<RelayError>(frame.body[0]);
    return fail(reason, weft::ErrorCode::refused, "the relay refused us");
  }
  if (state_ == State::awaiting_hello && frame.type == FrameType::relay_hello) return handle_hello(now, frame.body);
  if (state_ == State::awaiting_welcome && frame.type == FrameType::welcome) return handle_welcome(now, frame.body);
  if (!ready()) return fail(RelayError::malformed, weft::ErrorCode::corrupt, "the relay broke the protocol");
  switch (frame.type) {
    case FrameType::received:
      return handle_datagram(frame.body);
    case FrameType::pong:
      return handle_pong(now, frame.body);
    case FrameType::ping:
      out_.push_control(FrameType::pong, frame.body.first(std::min(frame.body.size(), kTokenSize)));
      return;
    case FrameType::udp_offer:
      return handle_offer(now, frame.body);
    case FrameType::channel:
      return handle_channel(frame.body);
    case FrameType::peer_absent:
      if (const auto absent = parse_addressed(frame.body)) events_.emplace_back(PeerAbsent{absent->key});
      return;
    case FrameType::dialled:
      if (const auto dialled = parse_dialled(frame.body)) events_.emplace_back(*dialled);
      return;
    default:
      return;  // a later version's
  }
}

void ClientSession::handle_hello(Time now, ByteView body) {
  const auto relay = parse_relay_hello(body);
  if (!relay) return fail(relay.error(), weft::ErrorCode::corrupt, "the relay's hello cannot be read");
  if (config_.relay_key && !signed_by(*relay, *config_.relay_key)) {
    return fail(RelayError::wrong_signature, weft::ErrorCode::refused, "this is not the relay of the network map");
  }
  ClientHello hello{
      .node_key = config_.node_key.public_key(), .nonce = {}, .proof = {}, .admission = config_.admission};
  random_.fill(hello.nonce);
  const auto proofs = make_proofs(config_.node_key, relay->ephemeral, *relay, hello);
  if (!proofs) return fail(proofs.error(), weft::ErrorCode::corrupt, "the relay's hello cannot be answered");
  hello.proof = proofs->client;
  expected_proof_ = to_bytes(proofs->relay);
  udp_key_ = proofs->udp_key;
  out_.push_control(FrameType::client_hello, encode(hello));
  hello_sent_ = now;
  state_ = State::awaiting_welcome;
}

void ClientSession::handle_welcome(Time now, ByteView body) {
  Reader reader(body);
  if (reader.u8() != kVersion) {
    return fail(RelayError::unsupported_version, weft::ErrorCode::corrupt, "the relay's welcome cannot be read");
  }
  if (!crypto::equal_constant_time(reader.bytes(kProofSize), expected_proof_)) {
    return fail(RelayError::wrong_proof, weft::ErrorCode::corrupt, "the relay could not show its key");
  }
  state_ = State::ready;
  reader_.set_limit(kMaxFrame);
  deadlines_.clear(Timer::handshake);
  deadlines_.set(Timer::idle, now + kIdlePing);
  if (udp_.possible()) out_.push_control(FrameType::udp_request, {});
  rtt_ = now - hello_sent_;
  events_.emplace_back(Ready{rtt_});
}

void ClientSession::handle_offer(Time now, ByteView body) {
  Reader reader(body);
  const UdpBinding binding = reader.u64be();
  if (!reader.failed()) udp_.start(now, udp_key_, binding, rtt_);
}

/// A relay that named more than kMaxChannels would fill our memory: it gets no answer, so does not use them.
void ClientSession::handle_channel(ByteView body) {
  Reader reader(body);
  const auto key = crypto::PublicKey::from_bytes(reader.bytes(kKeySize));
  const UdpChannel channel = reader.u32be();
  if (reader.failed() || !key || channels_.size() >= kMaxChannels) return;
  if (const UdpChannel* const before = channels_.find(*key)) channel_keys_.erase(*before);
  channels_.put(*key, channel);
  channel_keys_.put(channel, *key);
  out_.push_control(FrameType::channel_known, Writer().u32be(channel).view());
}

std::optional<UdpRoute> ClientSession::udp_route(Time now, const crypto::PublicKey& to) {
  if (!ready() || !udp_.bound()) return std::nullopt;
  const UdpChannel* const channel = channels_.find(to);
  if (channel == nullptr || !udp_.want_send(now)) return std::nullopt;
  return UdpRoute{udp_.relay(), *channel};
}

std::optional<UdpReceived> ClientSession::handle_udp(Time now, const Endpoint& from, ByteView datagram) {
  if (!ready() || !udp_.from_relay(from)) return std::nullopt;
  const auto channel = data_channel(datagram);
  if (!channel) {
    udp_.handle_datagram(now, from, datagram);
    return std::nullopt;
  }
  const crypto::PublicKey* const key = channel_keys_.find(*channel);
  if (key == nullptr) return std::nullopt;
  udp_.heard(now);
  return UdpReceived{*key, datagram.subspan(kUdpDataHeader)};
}

void ClientSession::check(Time now) {
  ping(now);
  udp_.check(now);
}

void ClientSession::handle_datagram(ByteView body) {
  const auto received = parse_addressed(body);
  if (!received) return fail(received.error(), weft::ErrorCode::corrupt, "the relay broke the protocol");
  events_.emplace_back(Received{received->key, to_bytes(received->datagram)});
}

void ClientSession::handle_pong(Time now, ByteView body) {
  Reader reader(body);
  const std::uint64_t token = reader.u64be();
  if (reader.failed() || !ping_token_ || token != *ping_token_) return;
  ping_token_.reset();
  rtt_ = now - ping_sent_;
  events_.emplace_back(Pong{rtt_});
}

void ClientSession::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::handshake, now)) {
    return fail(RelayError::timed_out, weft::ErrorCode::timeout, "the relay did not welcome us");
  }
  if (deadlines_.take_expired(Timer::answer, now)) {
    return fail(RelayError::timed_out, weft::ErrorCode::timeout, "the relay fell silent");
  }
  if (deadlines_.take_expired(Timer::overdue, now)) {
    overdue_ = true;
    events_.emplace_back(Overdue{});
  }
  if (deadlines_.take_expired(Timer::idle, now)) ping(now);
  udp_.handle_timeout(now);
  if (udp_.take_lost()) out_.push_control(FrameType::udp_request, {});
}

void ClientSession::ping(Time now) {
  if (!ready()) return;
  if (!ping_token_) {
    ping_token_ = random_.next();
    ping_sent_ = now;
    out_.push_control(FrameType::ping, Writer().u64be(*ping_token_).view());
  }
  if (deadlines_.armed(Timer::answer)) return;
  const Duration longest = std::max<Duration>(kLongestAnswerTimeout, kFarAnswerRoundTrips * rtt_);
  deadlines_.set(Timer::answer, now + std::clamp<Duration>(8 * rtt_, kAnswerTimeout, longest));
  if (!overdue_) deadlines_.set(Timer::overdue, now + std::max<Duration>(3 * rtt_, kAnswerOverdue));
}

bool ClientSession::send(Time now, const crypto::PublicKey& to, ByteView datagram) {
  if (!ready() || datagram.size() > kMaxDatagram) return false;
  if (now - last_heard_ >= kTrafficPing) ping(now);
  return out_.push_datagram(FrameType::send, to, datagram);
}

bool ClientSession::dial_back(const DialRequest& request) {
  return ready() && out_.push_control(FrameType::dial_back, encode(request));
}

void ClientSession::renew(Bytes admission) {
  config_.admission = std::move(admission);
  if (ready()) out_.push_control(FrameType::admission, config_.admission);
}

std::optional<Bytes> ClientSession::poll_write() { return out_.take(); }

std::optional<ClientEvent> ClientSession::poll_event() {
  if (events_.empty()) return std::nullopt;
  ClientEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void ClientSession::fail(RelayError reason, weft::ErrorCode code, const char* doing) {
  state_ = State::failed;
  deadlines_.clear_all();
  udp_.stop();
  out_.drop_datagrams();
  events_.emplace_back(Failed{{code, std::string(doing) + ": " + std::string(to_string(reason))}, reason});
}

}  // namespace weft::relay

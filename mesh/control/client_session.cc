// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/client_session.h"

#include "mesh/base/deadlines.h"
#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/control/backoff.h"
#include "mesh/control/message.h"
#include "mesh/control/secure_channel.h"

namespace weft::control {
namespace {

constexpr Duration kHandshakeLimit = 10s;
constexpr Duration kPingAfter = 25s;
constexpr Duration kPongLimit = 10s;

WallTime wall_time(std::uint64_t nanoseconds) { return WallTime(Duration(static_cast<Duration::rep>(nanoseconds))); }

/// What the coordinator's parser takes: printable ASCII, not too long.
std::string sendable_name(std::string name) {
  for (char& c : name) {
    if (c < 0x20 || c > 0x7E) c = '-';
  }
  return name.substr(0, 255);
}

}  // namespace

class ClientSession::Impl {
 public:
  Impl(ClientConfig config, Random& random, Entropy& entropy)
      : config_(std::move(config)), entropy_(entropy), backoff_(random), map_(std::move(config_.stored_map)) {
    config_.registration.name = sendable_name(std::move(config_.registration.name));
  }

  void start(Time now) {
    if (state_ != State::idle && state_ != State::waiting) return;
    dial(now);
  }

  void stop() {
    drop_channel();
    state_ = State::idle;
  }

  void handle_connected(Time now) {
    if (state_ != State::dialing) return;
    channel_.emplace(SecureChannel::initiator(config_.machine_key, config_.coordinator_key, entropy_));
    channel_->set_message_limit(kServerMessageLimit);
    state_ = State::opening;
    deadlines_.set(Timer::handshake, now + kHandshakeLimit);
  }

  void handle_data(Time now, ByteView bytes) {
    if (!channel_) return;
    const auto done = channel_->handle_data(bytes);
    if (state_ == State::opening && channel_->established()) send_registration();
    while (channel_) {
      const auto message = channel_->poll_message();
      if (!message) break;
      handle_message(now, *message);
    }
    if (!done && channel_) handle_channel_error(now, done.error());
  }

  void handle_closed(Time now, const Error& error) {
    if (state_ == State::dialing) {
      lose(now, {ErrorCode::coordinator_unreachable, "the coordinator cannot be reached: " + error.message});
    } else if (channel_) {
      lose(now, {error.code, "the coordinator's channel ended: " + error.message});
    }
  }

  void handle_timeout(Time now) {
    if (deadlines_.take_expired(Timer::retry, now)) dial(now);
    if (deadlines_.take_expired(Timer::handshake, now)) {
      lose(now, {ErrorCode::timeout, "the coordinator accepted the connection but did not answer within 10 s"});
    }
    if (deadlines_.take_expired(Timer::pong, now)) {
      lose(now, {ErrorCode::timeout, "the coordinator stopped answering"});
    }
    if (deadlines_.take_expired(Timer::ping, now)) {
      send(Ping{++pings_});
      deadlines_.set(Timer::pong, now + kPongLimit);
    }
  }

  std::optional<Time> next_deadline() const { return deadlines_.earliest(); }
  std::optional<Bytes> poll_write() { return channel_ ? channel_->poll_write() : std::nullopt; }

  std::optional<Event> poll_event() {
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

  void publish(std::vector<CandidateRecord> candidates, NatFacts facts, std::uint16_t home_relay, bool carries) {
    if (candidates.size() > kMaxCandidates) candidates.resize(kMaxCandidates);
    if (publication_ && publication_->candidates == candidates && publication_->facts == facts &&
        publication_->home_relay == home_relay && publication_->carries == carries) {
      return;
    }
    publication_ = Publish{std::move(candidates), std::move(facts), home_relay, carries};
    if (state_ == State::live) send(*publication_);
  }

  bool signal(std::uint64_t peer, ByteView datagram) {
    if (state_ != State::live || datagram.size() > kMaxSignal) return false;
    send(Signal{peer, to_bytes(datagram)});
    return true;
  }

  void restart(Time now, const SetupSecret& secret) {
    config_.registration.secret = secret;
    stop();
    start(now);
  }

  const NetworkMap& map() const { return map_; }
  bool registered() const { return state_ == State::live; }
  std::optional<Time> last_heard() const { return last_heard_; }

 private:
  enum class State : std::uint8_t { idle, waiting, dialing, opening, registering, live };
  enum class Timer : std::uint8_t { retry, handshake, ping, pong, count_ };

  void dial(Time) {
    deadlines_.clear_all();
    state_ = State::dialing;
    events_.emplace_back(Dial{});
  }

  void send(const Message& message) { channel_->send(encode(message)); }

  void send_registration() {
    state_ = State::registering;
    send(Register{config_.registration, map_.epoch, map_.revision});
  }

  void handle_message(Time now, ByteView bytes) {
    auto message = parse_message(bytes);
    if (!message) return handle_channel_error(now, message.error());
    const bool greeting = std::holds_alternative<Accepted>(*message) || std::holds_alternative<Refusal>(*message) ||
                          std::holds_alternative<UnknownMessage>(*message);
    if (state_ != State::live && !greeting) return handle_channel_error(now, ControlError::out_of_order);
    last_heard_ = now;
    if (state_ == State::live) expect_traffic(now);
    std::visit([&](auto& body) { handle(now, body); }, *message);
  }

  void handle(Time now, Accepted& accepted) {
    if (state_ != State::registering) return handle_channel_error(now, ControlError::out_of_order);
    state_ = State::live;
    deadlines_.clear(Timer::handshake);
    expect_traffic(now);
    coordinator_ = accepted.coordinator;
    map_.self_id = accepted.id;
    map_.self_name = accepted.name;
    map_.self_addresses = accepted.addresses;
    events_.emplace_back(
        Registered{accepted.id, accepted.name, accepted.addresses, accepted.relay_id, accepted.coordinator});
    events_.emplace_back(TimeSync{wall_time(accepted.time_ns)});
    if (publication_) send(*publication_);
  }

  void handle(Time now, MapUpdate& update) {
    if (update.reset) {
      incoming_.emplace();
      incoming_->epoch = update.epoch;
      changed_ = {.everything = true};
    }
    NetworkMap& target = incoming_ ? *incoming_ : map_;
    if (update.epoch != target.epoch) return handle_channel_error(now, ControlError::out_of_order);
    apply(update, target);
    if (!update.complete) return;
    if (incoming_) adopt_snapshot();
    if (!changed_.everything && !changed_.relays && changed_.peers.empty()) return;
    events_.emplace_back(std::exchange(changed_, {}));
  }

  void apply(MapUpdate& update, NetworkMap& target) {
    target.revision = update.revision;
    for (PeerRecord& peer : update.peers) {
      if (peer.id == map_.self_id) continue;
      changed_.peers.push_back(peer.id);
      target.peers[peer.id] = std::move(peer);
    }
    for (const std::uint64_t id : update.removed_peers) {
      if (target.peers.erase(id) > 0) changed_.peers.push_back(id);
    }
    for (RelayRecord& relay : update.relays) target.relays[relay.id] = std::move(relay);
    for (const std::uint64_t id : update.removed_relays) target.relays.erase(static_cast<std::uint16_t>(id));
    if (!update.relays.empty() || !update.removed_relays.empty()) changed_.relays = true;
  }

  void adopt_snapshot() {
    incoming_->self_id = map_.self_id;
    incoming_->self_name = map_.self_name;
    incoming_->self_addresses = map_.self_addresses;
    map_ = std::move(*incoming_);
    incoming_.reset();
    changed_ = {.everything = true, .relays = true};
  }

  void handle(Time, Admission& admission) {
    events_.emplace_back(AdmissionReceived{std::move(admission.admission), coordinator_});
  }
  void handle(Time, Revocation& revocation) {
    constexpr std::uint64_t kLast = 1ull << 33;  // year 2242; fits nanoseconds
    const auto seconds = std::chrono::seconds(std::min(revocation.until_s, kLast));
    events_.emplace_back(AdmissionsRevoked{revocation.node_key, WallTime(seconds)});
  }
  /// Only a channel that has lasted makes the next wait short again: two machines that share one key would otherwise
  /// throw each other out without end.
  void handle(Time, Pong& pong) {
    backoff_.reset();
    events_.emplace_back(TimeSync{wall_time(pong.time_ns)});
  }

  void handle(Time now, Refusal& refusal) {
    drop_channel();
    if (refusal.code == ErrorCode::internal || refusal.code == ErrorCode::limit) {
      wait(now, [&](Duration in) { return Refused{{refusal.code, refusal.message}, false, in}; });
    } else {
      state_ = State::idle;
      events_.emplace_back(Refused{{refusal.code, refusal.message}, true});
    }
  }

  void handle(Time, Signal& signal) { events_.emplace_back(SignalReceived{signal.peer, std::move(signal.datagram)}); }
  void handle(Time, UnknownMessage&) {}
  template <typename ClientMessage>
  void handle(Time now, ClientMessage&) {
    handle_channel_error(now, ControlError::out_of_order);
  }

  void handle_channel_error(Time now, ControlError error) {
    if (error == ControlError::wrong_key) return refuse_key(now);
    lose(now, {ErrorCode::corrupt, std::string("the coordinator's channel failed: ") + describe(error)});
  }

  void refuse_key(Time now) {
    drop_channel();
    backoff_.slow_down();
    const Error error{
        ErrorCode::wrong_coordinator_key,
        "the coordinator does not hold the key this machine was enrolled with; if it was set up anew, join "
        "again with a new setup key"};
    wait(now, [&](Duration in) { return Refused{error, false, in}; });
  }

  void lose(Time now, const Error& error) {
    drop_channel();
    wait(now, [&](Duration in) { return Failed{error, in}; });
  }

  template <typename MakeEvent>
  void wait(Time now, const MakeEvent& make_event) {
    state_ = State::waiting;
    const Duration in = backoff_.next();
    deadlines_.set(Timer::retry, now + in);
    events_.emplace_back(make_event(in));
  }

  void drop_channel() {
    channel_.reset();
    incoming_.reset();
    changed_ = {};
    deadlines_.clear_all();
  }

  void expect_traffic(Time now) {
    deadlines_.set(Timer::ping, now + kPingAfter);
    deadlines_.clear(Timer::pong);
  }

  ClientConfig config_;
  Entropy& entropy_;
  Backoff backoff_;
  State state_ = State::idle;
  Deadlines<Timer> deadlines_;
  std::optional<SecureChannel> channel_;
  NetworkMap map_;
  std::optional<NetworkMap> incoming_;  // a snapshot of which parts are missing
  MapChanged changed_;
  std::optional<Publish> publication_;
  crypto::VerifyKey coordinator_;
  std::optional<Time> last_heard_;
  std::uint64_t pings_ = 0;
  Queue<Event> events_;
};

ClientSession::ClientSession(ClientConfig config, Random& random, Entropy& entropy)
    : impl_(std::make_unique<Impl>(std::move(config), random, entropy)) {}
ClientSession::~ClientSession() = default;

void ClientSession::start(Time now) { impl_->start(now); }
void ClientSession::stop() { impl_->stop(); }
void ClientSession::handle_connected(Time now) { impl_->handle_connected(now); }
void ClientSession::handle_data(Time now, ByteView bytes) { impl_->handle_data(now, bytes); }
void ClientSession::handle_closed(Time now, const Error& error) { impl_->handle_closed(now, error); }
void ClientSession::handle_timeout(Time now) { impl_->handle_timeout(now); }
std::optional<Time> ClientSession::next_deadline() const { return impl_->next_deadline(); }
std::optional<Bytes> ClientSession::poll_write() { return impl_->poll_write(); }
std::optional<ClientSession::Event> ClientSession::poll_event() { return impl_->poll_event(); }
void ClientSession::publish(Time, std::vector<CandidateRecord> candidates, NatFacts facts, std::uint16_t home_relay,
                            bool carries) {
  impl_->publish(std::move(candidates), std::move(facts), home_relay, carries);
}
bool ClientSession::signal(std::uint64_t peer, ByteView datagram) { return impl_->signal(peer, datagram); }
void ClientSession::restart(Time now, const SetupSecret& secret) { impl_->restart(now, secret); }
const NetworkMap& ClientSession::map() const { return impl_->map(); }
bool ClientSession::registered() const { return impl_->registered(); }
std::optional<Time> ClientSession::last_heard() const { return impl_->last_heard(); }

}  // namespace weft::control

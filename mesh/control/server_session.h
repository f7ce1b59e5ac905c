// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <variant>

#include "mesh/base/deadlines.h"
#include "mesh/base/error.h"
#include "mesh/control/map_log.h"
#include "mesh/control/message.h"
#include "mesh/control/secure_channel.h"

namespace weft::control {

/// The coordinator's end of one control channel, after the HTTP upgrade.
///
///   handshake 10 s from the start to accept()
///   silence   60 s without a message: the client is gone (it pings each 25 s)
///
/// After Ended the owner writes what poll_write still gives and closes the stream.
class ServerSession {
 public:
  /// The client has proved its machine key and wants in; answer with accept() or refuse().
  struct RegisterRequested {
    crypto::PublicKey machine_key;
    Registration registration;
  };
  struct Published {
    Publish publication;
  };
  /// To be handed on to another node; as many as a burst of kSignalBurst and kSignalsPerSecond allow, others are
  /// dropped.
  struct Signalled {
    Signal signal;
  };
  struct Ended {
    Error error;
  };
  using Event = std::variant<RegisterRequested, Published, Signalled, Ended>;

  /// Enough to open paths to many peers at once, and too little to carry their data.
  static constexpr unsigned kSignalBurst = 100, kSignalsPerSecond = 20;

  ServerSession(Time now, const crypto::PrivateKey& coordinator_key, Entropy& entropy);

  /// `wall` is what the client learns as the coordinator's time.
  void handle_data(Time now, WallTime wall, ByteView bytes);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const { return deadlines_.earliest(); }
  std::optional<Bytes> poll_write() { return channel_.poll_write(); }
  std::optional<Event> poll_event();

  void accept(Accepted accepted, WallTime wall);
  /// Tells the client why, then ends. Also for a client that was accepted and is not wanted any more.
  void refuse(const Error& error);
  void send_admission(Bytes admission);
  /// To a relay.
  void send_revocation(const Revocation& revocation);
  /// Dropped if the client does not read.
  void send_signal(const Signal& signal);
  /// Sends one update of the map, if there is something new; false if not. Call again while the stream has room.
  bool push_map(MapLog& log);

  bool accepted() const { return state_ == State::live; }

 private:
  enum class State : std::uint8_t { opening, deciding, live, ended };
  enum class Timer : std::uint8_t { handshake, silence, count_ };
  void handle_message(Time now, WallTime wall, ByteView bytes);
  void handle_register(Register request);
  void handle_signal(Time now, Signal signal);
  void send(const Message& message);
  void end(ErrorCode code, std::string message);

  SecureChannel channel_;
  State state_ = State::opening;
  Deadlines<Timer> deadlines_;
  MapCursor cursor_;
  Time signals_full_{};  // when the allowance for signals will be whole again
  std::vector<Event> events_;
};

}  // namespace weft::control

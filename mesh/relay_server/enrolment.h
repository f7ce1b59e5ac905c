// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/transport/control_channel.h"

namespace weft::relay_server {

struct EnrolmentHandlers {
  std::function<void(const crypto::VerifyKey& coordinator)> on_registered;
  std::function<void(const crypto::PublicKey& node, WallTime until)> on_revoked;
  std::function<void(Duration offset)> on_wall_offset;  // coordinator's time minus the host's
  std::function<void(const Error&)> on_refused;         // for good
};

/// The relay's place in a network: the control channel, and what the relay is told by it.
class Enrolment {
 public:
  /// `host` and `tls` outlive this; `tls` may be null if the token says so.
  Enrolment(io::Host& host, tls::Context* tls, const control::Token& token, const crypto::PrivateKey& machine_key,
            control::RelayOffer offer, const std::string& name, EnrolmentHandlers handlers);

  void start() { channel_.start(); }
  bool connected() const { return channel_.connected(); }
  /// The last failure, until the channel is up again.
  const std::optional<Error>& last_error() const { return channel_.error(); }

 private:
  void handle_event(const control::ClientSession::Event& event);

  io::Host& host_;
  EnrolmentHandlers handlers_;
  std::unique_ptr<Random> random_;
  transport::ControlChannel channel_;
};

}  // namespace weft::relay_server

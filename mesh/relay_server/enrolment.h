// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/control/client_session.h"
#include "mesh/control/token.h"

namespace weft::io {
class Host;
class Stream;
class Timer;
}  // namespace weft::io
namespace weft::tls {
class Context;
}

namespace weft::relay_server {

struct EnrolmentHandlers {
  std::function<void(const crypto::VerifyKey& coordinator)> on_registered;
  std::function<void(const crypto::PublicKey& node, WallTime until)> on_revoked;
  std::function<void(Duration offset)> on_wall_offset;  // coordinator's time minus the host's
  std::function<void(const Error&)> on_refused;         // for good
};

/// The relay's control channel: joins a control::ClientSession to streams that it dials, one after the other, to the
/// coordinator's endpoints in turn.
class Enrolment {
 public:
  /// `host` and `tls` outlive this; `tls` may be null if the token says so.
  Enrolment(io::Host& host, tls::Context* tls, const control::Token& token, const crypto::PrivateKey& machine_key,
            control::RelayOffer offer, const std::string& name, EnrolmentHandlers handlers);
  ~Enrolment();

  void start();
  bool connected() const { return session_->registered(); }
  /// The last failure, until the channel is up again.
  const std::optional<Error>& last_error() const { return last_error_; }

 private:
  void dial();
  void handle_event(const control::ClientSession::Event& event);
  void drain();
  void write();
  Time now() const;

  io::Host& host_;
  tls::Context* tls_;
  control::Token token_;
  EnrolmentHandlers handlers_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<control::ClientSession> session_;
  std::unique_ptr<io::Timer> timer_;
  std::unique_ptr<io::Stream> stream_;
  bool up_ = false;  // the stream is past its upgrade
  Bytes unwritten_;
  std::size_t next_endpoint_ = 0;
  std::optional<Error> last_error_;
};

}  // namespace weft::relay_server

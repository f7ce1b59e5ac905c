// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/enrolment.h"

#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/transport/dial.h"

namespace weft::relay_server {
namespace {

using control::ClientSession;

control::ClientConfig config_for(const control::Token& token, const crypto::PrivateKey& machine_key,
                                 control::RelayOffer offer, const std::string& name, KeyProvenance provenance) {
  control::ClientConfig config;
  config.machine_key = machine_key;
  config.coordinator_key = token.coordinator_key;
  config.registration.name = name;
  config.registration.secret = token.secret;
  config.registration.role = control::Role::relay;
  config.registration.provenance = provenance;
  config.registration.relay = std::move(offer);
  return config;
}

}  // namespace

Enrolment::Enrolment(io::Host& host, tls::Context* tls, const control::Token& token,
                     const crypto::PrivateKey& machine_key, control::RelayOffer offer, const std::string& name,
                     EnrolmentHandlers handlers)
    : host_(host),
      tls_(tls),
      token_(token),
      handlers_(std::move(handlers)),
      random_(host.rng("relay_control")),
      session_(std::make_unique<ClientSession>(
          config_for(token, machine_key, std::move(offer), name, host.entropy().provenance()), *random_,
          host.entropy())),
      timer_(host.make_timer([this] {
        session_->handle_timeout(now());
        drain();
      })) {}

Enrolment::~Enrolment() = default;

Time Enrolment::now() const { return host_.clock().now(); }

void Enrolment::start() {
  session_->start(now());
  drain();
}

void Enrolment::dial() {
  const Endpoint remote = token_.endpoints[next_endpoint_++ % token_.endpoints.size()];
  unwritten_.clear();
  up_ = false;
  stream_ = transport::dial(host_, tls_,
                            {.remote = remote,
                             .host_name = {},
                             .path = "/control",
                             .protocol = "weft-control/1",
                             .tls = token_.tls,
                             .expected_key = std::nullopt});
  stream_->start({.on_connected =
                      [this] {
                        up_ = true;
                        session_->handle_connected(now());
                        drain();
                      },
                  .on_data =
                      [this](ByteView bytes) {
                        session_->handle_data(now(), bytes);
                        drain();
                      },
                  .on_writable = [this] { write(); },
                  .on_closed =
                      [this](const Error& error) {
                        up_ = false;
                        session_->handle_closed(now(), error);
                        drain();
                      }});
}

void Enrolment::drain() {
  write();
  while (const auto event = session_->poll_event()) handle_event(*event);
  write();
  if (const auto next = session_->next_deadline()) {
    timer_->arm(*next);
  } else {
    timer_->cancel();
  }
}

void Enrolment::write() {
  while (up_) {
    if (unwritten_.empty()) {
      auto bytes = session_->poll_write();
      if (!bytes) return;
      unwritten_ = std::move(*bytes);
    }
    const std::size_t taken = stream_->write(unwritten_);
    unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!unwritten_.empty()) return;
  }
}

void Enrolment::handle_event(const ClientSession::Event& event) {
  if (std::holds_alternative<ClientSession::Dial>(event)) {
    dial();
  } else if (const auto* registered = std::get_if<ClientSession::Registered>(&event)) {
    last_error_.reset();
    handlers_.on_registered(registered->coordinator);
  } else if (const auto* revoked = std::get_if<ClientSession::AdmissionsRevoked>(&event)) {
    handlers_.on_revoked(revoked->node_key, revoked->until);
  } else if (const auto* sync = std::get_if<ClientSession::TimeSync>(&event)) {
    handlers_.on_wall_offset(sync->coordinator_time - host_.clock().wall_now());
  } else if (const auto* failed = std::get_if<ClientSession::Failed>(&event)) {
    last_error_ = failed->error;
    up_ = false;
    stream_.reset();
  } else if (const auto* refused = std::get_if<ClientSession::Refused>(&event)) {
    last_error_ = refused->error;
    up_ = false;
    stream_.reset();
    if (refused->final) handlers_.on_refused(refused->error);
  }
}

}  // namespace weft::relay_server

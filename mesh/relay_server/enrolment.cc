// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/enrolment.h"

#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"

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
      handlers_(std::move(handlers)),
      random_(host.rng("relay_control")),
      channel_(host, *random_, {.token = token, .tls = [tls] { return tls; }},
               config_for(token, machine_key, std::move(offer), name, host.entropy().provenance()),
               [this](const ClientSession::Event& event) { handle_event(event); }) {}

void Enrolment::handle_event(const ClientSession::Event& event) {
  if (const auto* registered = std::get_if<ClientSession::Registered>(&event)) {
    handlers_.on_registered(registered->coordinator);
  } else if (const auto* revoked = std::get_if<ClientSession::AdmissionsRevoked>(&event)) {
    handlers_.on_revoked(revoked->node_key, revoked->until);
  } else if (const auto* sync = std::get_if<ClientSession::TimeSync>(&event)) {
    handlers_.on_wall_offset(sync->coordinator_time - host_.clock().wall_now());
  } else if (const auto* refused = std::get_if<ClientSession::Refused>(&event)) {
    if (refused->final) handlers_.on_refused(refused->error);
  }
}

}  // namespace weft::relay_server

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/relay_server.h"

#include "mesh/base/assert.h"
#include "mesh/base/trace.h"
#include "mesh/control/token.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/relay_server/client_streams.h"
#include "mesh/relay_server/enrolment.h"
#include "mesh/relay_server/relay_state.h"
#include "mesh/relay_server/stun_streams.h"
#include "mesh/relay_server/udp_sockets.h"
#include "mesh/tls/context.h"
#include "mesh/transport/upgrade_listener.h"

namespace weft::relay_server {
namespace {

constexpr const char* kProtocol = "weft-relay/1";
/// 2020 and 2049: the certificate is a shell for its key, which is what clients check.
constexpr WallTime kCertificateStart{std::chrono::seconds(1'577'836'800)};
constexpr WallTime kCertificateEnd{std::chrono::seconds(2'493'072'000)};

/// `bound`, with each unspecified address replaced by those of the host's interfaces.
std::vector<Endpoint> reachable(const std::vector<Endpoint>& bound, const io::NetworkMonitor& network) {
  std::vector<Endpoint> found;
  for (const Endpoint& endpoint : bound) {
    if (!endpoint.address.is_unspecified()) {
      found.push_back(endpoint);
      continue;
    }
    for (const auto& interface : network.interfaces()) {
      for (const Prefix& prefix : interface.addresses) {
        const IpAddress& address = prefix.address;
        const bool fits = address.family() == endpoint.address.family() && !address.is_link_local();
        if (interface.up && fits) found.push_back({address, endpoint.port});
      }
    }
  }
  return found;
}

}  // namespace

class RelayServer::Impl {
 public:
  Impl(io::Host& host, RelayServerConfig config) : host_(host), config_(std::move(config)) {}

  Result<void> start(std::function<void(const Error&)> refused);
  RelayServerStatus status() const;
  const RelayState& state() const { return state_; }
  const std::vector<Endpoint>& stream_endpoints() const { return stream_endpoints_; }
  const std::vector<Endpoint>& stun_endpoints() const { return stun_endpoints_; }

 private:
  Result<std::optional<control::Token>> find_token();
  Result<void> listen();
  void enrol(const control::Token& token, std::function<void(const Error&)> refused);
  void handle_registered(const crypto::VerifyKey& coordinator);
  void handle_revoked(const crypto::PublicKey& node, WallTime until);
  void check_kept(const Result<void>& kept);

  io::Host& host_;
  RelayServerConfig config_;
  RelayState state_;
  std::unique_ptr<tls::Context> tls_;
  std::unique_ptr<UdpSockets> udp_;
  StunStreams stun_streams_{host_};
  std::unique_ptr<ClientStreams> clients_;
  std::vector<std::unique_ptr<transport::UpgradeListener>> listeners_;
  std::unique_ptr<Enrolment> enrolment_;
  std::vector<Endpoint> stream_endpoints_;
  std::vector<Endpoint> stun_endpoints_;
};

Result<void> RelayServer::Impl::start(std::function<void(const Error&)> refused) {
  if (config_.stream_listen.empty()) return fail(ErrorCode::usage, "the relay has no address to listen on; name one");
  auto state = load_state(host_.files(), host_.entropy());
  if (!state) return std::unexpected(state.error());
  state_ = std::move(*state);
  const auto token = find_token();
  if (!token) return std::unexpected(token.error());
  const auto coordinator = config_.coordinator ? config_.coordinator : state_.coordinator;
  if (!*token && !coordinator) {
    return fail(ErrorCode::needs_login,
                "the relay belongs to no network yet; give it a key made by `weft key create` with --key");
  }
  tls_ = std::make_unique<tls::Context>(host_.entropy(), tls::Identity{.key = state_.identity,
                                                                       .not_before = kCertificateStart,
                                                                       .not_after = kCertificateEnd,
                                                                       .serial = 1,
                                                                       .common_name = "weft relay"});
  udp_ = std::make_unique<UdpSockets>(host_, [this](std::uint16_t socket, std::span<const DatagramSlot> slots) {
    clients_->handle_datagrams(socket, slots);
  });
  clients_ = std::make_unique<ClientStreams>(host_,
                                             relay::ServerConfig{.identity = state_.identity,
                                                                 .coordinator = coordinator,
                                                                 .revoked = state_.revoked,
                                                                 .max_sessions = config_.max_clients,
                                                                 .udp = !config_.stun_listen.empty()},
                                             *udp_);
  if (const auto opened = udp_->open(config_.stun_listen); !opened) return opened;
  if (const auto listening = listen(); !listening) return listening;
  // Without it, pairs whose UDP is blocked stay relayed.
  if (const auto listening = stun_streams_.listen(udp_->endpoints()); !listening) {
    trace(host_.trace(), host_.clock().now(), TraceLevel::warning, "relay_server", "no_stun_over_tcp",
          {{"error", listening.error().message}});
  }
  stun_endpoints_ =
      config_.stun_advertised.empty() ? reachable(udp_->endpoints(), host_.network()) : config_.stun_advertised;
  if (*token) enrol(**token, std::move(refused));
  return {};
}

/// The token of the configuration, which is kept, or the kept one.
Result<std::optional<control::Token>> RelayServer::Impl::find_token() {
  const auto text = config_.token ? config_.token : state_.token;
  if (!text) return std::nullopt;
  const auto token = control::parse_token(*text);
  if (!token) {
    return fail(ErrorCode::usage, "the key cannot be read: " + std::string(control::describe(token.error())) +
                                      "; copy it whole from `weft key create`");
  }
  if (token->provenance == KeyProvenance::simulated && host_.entropy().provenance() != KeyProvenance::simulated) {
    return fail(ErrorCode::usage,
                "the key was made in a simulation and is not secret; make one with `weft key create`");
  }
  if (text != state_.token) {
    if (const auto kept = store_token(host_.files(), *text); !kept) return std::unexpected(kept.error());
  }
  return *token;
}

Result<void> RelayServer::Impl::listen() {
  std::vector<Endpoint> bound;
  for (const Endpoint& local : config_.stream_listen) {
    const auto accept = [this](std::unique_ptr<io::Stream> stream) { clients_->accept(std::move(stream)); };
    auto listener =
        transport::UpgradeListener::listen(host_, local, config_.tls ? tls_.get() : nullptr, {{kProtocol, accept}});
    if (!listener) return std::unexpected(listener.error());
    bound.push_back((*listener)->local_endpoint());
    listeners_.push_back(std::move(*listener));
  }
  stream_endpoints_ = config_.stream_advertised.empty() ? reachable(bound, host_.network()) : config_.stream_advertised;
  return {};
}

void RelayServer::Impl::enrol(const control::Token& token, std::function<void(const Error&)> refused) {
  control::RelayOffer offer{.key = state_.identity.verify_key(),
                            .stream_endpoints = stream_endpoints_,
                            .stun_endpoints = stun_endpoints_,
                            .tls = config_.tls};
  EnrolmentHandlers handlers{
      .on_registered = [this](const crypto::VerifyKey& key) { handle_registered(key); },
      .on_revoked = [this](const crypto::PublicKey& node, WallTime until) { handle_revoked(node, until); },
      .on_wall_offset = [this](Duration offset) { clients_->set_wall_offset(offset); },
      .on_refused = std::move(refused)};
  enrolment_ = std::make_unique<Enrolment>(host_, tls_.get(), token, state_.machine_key, std::move(offer), config_.name,
                                           std::move(handlers));
  enrolment_->start();
}

void RelayServer::Impl::handle_registered(const crypto::VerifyKey& coordinator) {
  clients_->set_coordinator(coordinator);
  trace(host_.trace(), host_.clock().now(), TraceLevel::info, "relay_server", "registered");
  if (state_.coordinator == coordinator) return;
  state_.coordinator = coordinator;
  check_kept(store_coordinator(host_.files(), coordinator));
}

void RelayServer::Impl::handle_revoked(const crypto::PublicKey& node, WallTime until) {
  const auto known = clients_->revoked().find(node);
  const bool fresh = known == clients_->revoked().end() || known->second < until;  // not told again at a reconnection
  clients_->revoke(node, until);
  if (fresh) check_kept(store_revocations(host_.files(), clients_->revoked()));
}

void RelayServer::Impl::check_kept(const Result<void>& kept) {
  if (kept) return;
  trace(host_.trace(), host_.clock().now(), TraceLevel::warning, "relay_server", "state_not_stored",
        {{"error", kept.error().message}});
}

RelayServerStatus RelayServer::Impl::status() const {
  const auto& counters = clients_->counters();
  RelayServerStatus status{.clients = clients_->clients(),
                           .forwarded = counters.forwarded,
                           .forwarded_bytes = counters.forwarded_bytes,
                           .forwarded_udp = counters.udp,
                           .dropped = counters.dropped,
                           .absent = counters.absent,
                           .stun_answered = udp_->counters().answered,
                           .enrolled = state_.coordinator.has_value()};
  if (enrolment_) {
    status.coordinator_connected = enrolment_->connected();
    status.coordinator_error = enrolment_->last_error();
  }
  return status;
}

RelayServer::RelayServer(io::Host& host, RelayServerConfig config) : host_(host), config_(std::move(config)) {}
RelayServer::~RelayServer() = default;

Result<void> RelayServer::start() {
  WEFT_ASSERT(!impl_);
  auto impl = std::make_unique<Impl>(host_, config_);
  const auto started = impl->start([this](const Error& error) {
    if (on_refused) on_refused(error);
  });
  if (started) impl_ = std::move(impl);
  return started;
}

void RelayServer::stop() { impl_.reset(); }

crypto::VerifyKey RelayServer::verify_key() const { return impl_->state().identity.verify_key(); }
std::vector<Endpoint> RelayServer::stream_endpoints() const { return impl_->stream_endpoints(); }
std::vector<Endpoint> RelayServer::stun_endpoints() const { return impl_->stun_endpoints(); }
RelayServerStatus RelayServer::status() const { return impl_ ? impl_->status() : RelayServerStatus{}; }

}  // namespace weft::relay_server

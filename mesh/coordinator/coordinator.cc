// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/coordinator.h"

#include <algorithm>
#include <list>

#include "mesh/base/random.h"
#include "mesh/base/trace.h"
#include "mesh/coordinator/connection.h"
#include "mesh/coordinator/identity.h"
#include "mesh/coordinator/registry.h"
#include "mesh/coordinator/store.h"
#include "mesh/io/clock.h"
#include "mesh/io/file.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/relay/admission.h"
#include "mesh/tls/context.h"
#include "mesh/transport/upgrade_listener.h"

namespace weft::coordinator {
namespace {

/// Changes of the map are gathered this long, so that a burst costs each client one message.
constexpr Duration kPushInterval = 50ms;
constexpr Duration kAdmissionLife = 24h;
constexpr Duration kRenewAfter = 12h;
/// Publications and last_seen reach the disk this much later.
constexpr Duration kFlushInterval = 2s;
/// Channels that have not registered yet, or that are closing; more are turned away.
constexpr std::size_t kMaxUnknown = 1024;
constexpr Duration kCertificateLife = std::chrono::hours(24 * 365 * 20);

Error starting_twice(const Error& error) {
  if (error.code != ErrorCode::refused) return error;
  return {ErrorCode::refused, "another coordinator uses this state directory: stop it first"};
}

}  // namespace

class Coordinator::Impl {
 public:
  Impl(io::Host& host, CoordinatorConfig config)
      : host_(host),
        config_(std::move(config)),
        push_timer_(host.make_timer([this] { push(); })),
        flush_timer_(host.make_timer([this] { flush(); })),
        ephemeral_timer_(host.make_timer([this] { remove_forgotten(); })),
        reap_timer_(host.make_timer([this] { reap(); })) {}

  ~Impl() { stop(); }

  Result<void> start() {
    auto started = open_state();
    if (started) started = listen();
    if (!started) stop();
    return started;
  }

  void stop() {
    listeners_.clear();
    by_node_.clear();
    connections_.clear();
    if (registry_) {
      for (const auto& [id, node] : registry_->nodes()) {
        if (node.online) registry_->set_online(id, false, wall());
      }
      static_cast<void>(registry_->flush());
    }
    registry_.reset();
    store_.reset();
    lock_.reset();
    for (io::Timer* timer : {push_timer_.get(), flush_timer_.get(), ephemeral_timer_.get(), reap_timer_.get()})
      timer->cancel();
    push_due_.reset();
    flush_armed_ = false;
    forgotten_at_.clear();
  }

  Endpoint local_endpoint() const {
    return listeners_.empty() ? config_.listen.at(0) : listeners_[0]->local_endpoint();
  }
  const Identity& identity() const { return identity_; }

  Result<std::string> create_key(const KeyOptions& options) {
    if (!store_) return not_started();
    control::Token token;
    token.endpoints = advertised();
    token.coordinator_key = identity_.noise.public_key();
    token.provenance = identity_.provenance;
    token.tls = config_.tls;
    host_.entropy().fill(token.secret);
    const auto id = store_->add_key({.options = options, .created = wall()}, hash_secret(token.secret));
    if (!id) return std::unexpected(id.error());
    event("key_created", {{"key", static_cast<std::int64_t>(*id)}});
    return control::encode(token);
  }

  Result<std::vector<KeyInfo>> list_keys() {
    if (!store_) return not_started();
    return store_->keys();
  }

  Result<void> revoke_key(std::uint64_t id) {
    if (!store_) return not_started();
    const auto found = store_->revoke_key(id);
    if (!found) return std::unexpected(found.error());
    if (!*found)
      return fail(ErrorCode::not_found, "there is no setup key " + std::to_string(id) + " (see weft key list)");
    event("key_revoked", {{"key", static_cast<std::int64_t>(id)}});
    return {};
  }

  std::vector<NodeInfo> list_nodes() const {
    std::vector<NodeInfo> nodes;
    if (!registry_) return nodes;
    for (const auto& [id, node] : registry_->nodes()) {
      nodes.push_back({id, node.name, node.registration.role, node.registration.node_key, registry_->addresses(node),
                       node.online, node.ephemeral, node.expired, node.created, node.last_seen, node.relay_id,
                       node.publication.home_relay});
    }
    return nodes;
  }

  Result<void> remove_node(const std::string& name_or_id) {
    const auto id = lookup(name_or_id);
    if (!id) return std::unexpected(id.error());
    if (auto done = revoke_admissions(*id); !done) return done;
    if (auto done = registry_->remove(*id, true); !done) return done;
    event("node_removed", {{"node", static_cast<std::int64_t>(*id)}});
    cut_off(*id, {ErrorCode::refused, "this machine was removed from the network"});
    changed();
    return {};
  }

  Result<void> expire_node(const std::string& name_or_id) {
    const auto id = lookup(name_or_id);
    if (!id) return std::unexpected(id.error());
    if (auto done = revoke_admissions(*id); !done) return done;
    if (auto done = registry_->expire(*id); !done) return done;
    event("node_expired", {{"node", static_cast<std::int64_t>(*id)}});
    cut_off(*id, {ErrorCode::needs_login,
                  "this machine's membership has expired: join with a new setup key (weft up --key)"});
    changed();
    return {};
  }

 private:
  WallTime wall() const { return host_.clock().wall_now(); }
  Time now() const { return host_.clock().now(); }

  static std::unexpected<Error> not_started() {
    return fail(ErrorCode::not_running, "the coordinator has not been started");
  }

  void event(std::string_view name, std::initializer_list<TraceField> fields, TraceLevel level = TraceLevel::info) {
    trace(host_.trace(), now(), level, "coordinator", name, fields);
  }

  Result<void> open_state() {
    auto lock = host_.files().open("coordinator.lock", io::FileMode::create);
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    if (auto locked = lock_->lock(); !locked) return std::unexpected(starting_twice(locked.error()));
    auto store = Store::open(host_.files(), host_.clock(), host_.entropy());
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    auto identity = load_or_make_identity(*store_, host_.entropy(), wall());
    if (!identity) return std::unexpected(identity.error());
    identity_ = std::move(*identity);
    const std::uint64_t epoch =
        host_.rng("coordinator")->next() ^ static_cast<std::uint64_t>(wall().time_since_epoch().count());
    registry_ = std::make_unique<Registry>(*store_, AddressPool(identity_.ula_prefix),
                                           std::max<std::uint64_t>(epoch, 1), identity_.provenance);
    if (auto loaded = registry_->load(); !loaded) return loaded;
    for (const auto& [id, node] : registry_->nodes()) await_ephemeral(node);
    auto revocations = store_->revocations(0);
    if (!revocations) return std::unexpected(revocations.error());
    revocations_ = std::move(*revocations);
    return {};
  }

  Result<void> listen() {
    if (config_.tls && !tls_) {
      tls::Identity certificate;
      certificate.key = identity_.tls;
      certificate.not_before = identity_.created - 24h;
      certificate.not_after = identity_.created + kCertificateLife;
      certificate.common_name = "weft coordinator";
      tls_ = std::make_unique<tls::Context>(host_.entropy(), certificate);
    }
    for (const Endpoint& local : config_.listen) {
      auto listener = transport::UpgradeListener::listen(
          host_, local, config_.tls ? tls_.get() : nullptr,
          {{"weft-control/1", [this](std::unique_ptr<io::Stream> stream) { accept(std::move(stream)); }}});
      if (!listener) return std::unexpected(listener.error());
      listeners_.push_back(std::move(*listener));
    }
    return {};
  }

  std::vector<Endpoint> advertised() const {
    if (!config_.advertised.empty()) return config_.advertised;
    const Endpoint local = local_endpoint();
    if (!local.address.is_unspecified()) return {local};
    std::vector<Endpoint> endpoints;
    for (const io::NetworkInterface& interface : host_.network().interfaces()) {
      for (const Prefix& prefix : interface.addresses) {
        const bool reachable = local.address.is_v6() || prefix.address.is_v4();
        if (!interface.up || prefix.address.is_link_local() || !reachable) continue;
        if (endpoints.size() < control::kMaxTokenEndpoints) endpoints.push_back({prefix.address, local.port});
      }
    }
    if (endpoints.empty()) endpoints.push_back({IpAddress::loopback(local.address.family()), local.port});
    return endpoints;
  }

  void accept(std::unique_ptr<io::Stream> stream) {
    if (connections_.size() - by_node_.size() >= kMaxUnknown) return;  // destroys the stream
    const auto at = connections_.insert(connections_.end(), nullptr);
    Connection::Handlers handlers;
    handlers.on_register = [this, at](control::ServerSession::RegisterRequested& request) { join(**at, request); };
    handlers.on_publish = [this, at](control::Publish& publication) {
      registry_->publish((*at)->node(), std::move(publication));
      changed();
    };
    handlers.on_signal = [this, at](control::Signal& signal) { hand_on(**at, signal); };
    handlers.on_renewal_due = [this, at] { admit(**at); };
    handlers.on_over = [this, at] { leave(**at); };
    *at = std::make_unique<Connection>(host_, std::move(stream), identity_.noise, std::move(handlers));
  }

  void join(Connection& connection, control::ServerSession::RegisterRequested& request) {
    const auto id = registry_->join(request.machine_key, request.registration, wall());
    if (!id) {
      event("join_refused", {{"reason", id.error().message}});
      return connection.refuse(id.error());
    }
    cut_off(*id, {ErrorCode::limit, "the same machine has opened a newer channel"});
    registry_->set_online(*id, true, wall());
    const Node& node = *registry_->find(*id);
    connection.accept(*id, {.id = *id,
                            .name = node.name,
                            .addresses = registry_->addresses(node),
                            .relay_id = node.relay_id,
                            .coordinator = identity_.admission.verify_key()});
    by_node_[*id] = &connection;
    event("joined", {{"node", static_cast<std::int64_t>(*id)}, {"name", node.name}});
    // A relay serves by admissions and is not told who the nodes are, only whose admissions it must not take any more.
    if (node.registration.role == control::Role::node) {
      admit(connection);
      connection.follow(registry_->log());
    } else {
      for (const control::Revocation& revocation : revocations_) connection.send_revocation(revocation);
    }
    changed();
  }

  /// Between nodes only. It goes at once, before changes of the map that are being gathered.
  void hand_on(const Connection& from, control::Signal& signal) {
    const auto to = by_node_.find(signal.peer);
    if (to == by_node_.end() || to->second == &from) return;
    for (const std::uint64_t id : {from.node(), signal.peer}) {
      const Node* node = registry_->find(id);
      if (node == nullptr || node->registration.role != control::Role::node) return;
    }
    signal.peer = from.node();
    to->second->send_signal(signal);
  }

  void admit(Connection& connection) {
    const Node* node = registry_->find(connection.node());
    if (node == nullptr || node->registration.role != control::Role::node) return;
    auto not_after = latest_admission();
    for (const control::Revocation& revocation : revocations_) {
      const auto void_until = std::chrono::seconds(revocation.until_s);
      if (revocation.node_key == node->registration.node_key) {
        not_after = std::max(not_after, WallTime(void_until + std::chrono::seconds(1)));
      }
    }
    connection.send_admission(relay::sign({node->registration.node_key, not_after}, identity_.admission), kRenewAfter);
  }

  /// When an admission of this moment ends.
  WallTime latest_admission() const { return std::chrono::floor<std::chrono::seconds>(wall()) + kAdmissionLife; }

  /// All admissions a node may hold are void: told to every relay, now or when it connects.
  Result<void> revoke_admissions(std::uint64_t id) {
    const Node& node = *registry_->find(id);
    if (node.registration.role != control::Role::node) return {};
    const auto seconds = [](WallTime time) {
      return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
    };
    const control::Revocation revocation{node.registration.node_key, seconds(latest_admission())};
    if (auto done = store_->put_revocation(revocation); !done) return done;
    auto current = store_->revocations(seconds(wall()));
    if (!current) return std::unexpected(current.error());
    revocations_ = std::move(*current);
    for (const auto& [other, connection] : by_node_) {
      if (registry_->find(other)->registration.role == control::Role::relay) connection->send_revocation(revocation);
    }
    return {};
  }

  /// Ends the channel of a node, if there is one.
  void cut_off(std::uint64_t id, const Error& why) {
    const auto found = by_node_.find(id);
    if (found == by_node_.end()) return;
    Connection* connection = found->second;
    by_node_.erase(found);
    connection->refuse(why);
  }

  void leave(Connection& connection) {
    const auto found = by_node_.find(connection.node());
    if (found != by_node_.end() && found->second == &connection) {
      by_node_.erase(found);
      registry_->set_online(connection.node(), false, wall());
      if (const Node* node = registry_->find(connection.node())) await_ephemeral(*node);
      event("left", {{"node", static_cast<std::int64_t>(connection.node())}});
      changed();
    }
    reap_timer_->arm(now());
  }

  void reap() {
    connections_.remove_if([](const std::unique_ptr<Connection>& connection) { return connection->over(); });
  }

  void changed() {
    if (!flush_armed_ && registry_->dirty()) {
      flush_armed_ = true;
      flush_timer_->arm(now() + kFlushInterval);
    }
    if (push_due_) return;
    push_due_ = std::max(now(), last_push_ + kPushInterval);
    push_timer_->arm(*push_due_);
  }

  void push() {
    push_due_.reset();
    last_push_ = now();
    for (const auto& [id, connection] : by_node_) connection->push_map();
  }

  void flush() {
    flush_armed_ = false;
    if (const auto done = registry_->flush(); !done) {
      event("flush_failed", {{"error", done.error().message}}, TraceLevel::error);
      flush_armed_ = true;
      flush_timer_->arm(now() + kFlushInterval);
    }
  }

  void await_ephemeral(const Node& node) {
    if (!node.ephemeral || node.online) return;
    forgotten_at_[node.id] = now() + config_.ephemeral_grace;
    arm_ephemeral();
  }

  void arm_ephemeral() {
    std::optional<Time> first;
    for (const auto& [id, at] : forgotten_at_) first = earlier(first, at);
    if (first) ephemeral_timer_->arm(*first);
  }

  void remove_forgotten() {
    for (auto at = forgotten_at_.begin(); at != forgotten_at_.end();) {
      const Node* node = registry_->find(at->first);
      const bool gone = node == nullptr || node->online;
      if (!gone && at->second > now()) {
        ++at;
        continue;
      }
      if (!gone && !registry_->remove(at->first, false)) {
        at->second = now() + config_.ephemeral_grace;
        ++at;
        continue;
      }
      if (!gone) event("ephemeral_removed", {{"node", static_cast<std::int64_t>(at->first)}});
      at = forgotten_at_.erase(at);
      changed();
    }
    arm_ephemeral();
  }

  Result<std::uint64_t> lookup(const std::string& name_or_id) const {
    if (!registry_) return not_started();
    const std::uint64_t id = registry_->lookup(name_or_id);
    if (id == 0) return fail(ErrorCode::not_found, "there is no node \"" + name_or_id + "\" (see weft node list)");
    return id;
  }

  io::Host& host_;
  CoordinatorConfig config_;
  std::unique_ptr<io::Timer> push_timer_, flush_timer_, ephemeral_timer_, reap_timer_;
  std::unique_ptr<io::File> lock_;
  std::unique_ptr<Store> store_;
  Identity identity_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<tls::Context> tls_;
  std::vector<std::unique_ptr<transport::UpgradeListener>> listeners_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::map<std::uint64_t, Connection*> by_node_;  // accepted and not cut off
  std::map<std::uint64_t, Time> forgotten_at_;    // offline ephemeral nodes
  std::vector<control::Revocation> revocations_;  // of the last kAdmissionLife, and sometimes older ones
  std::optional<Time> push_due_;
  Time last_push_{};
  bool flush_armed_ = false;
};

Coordinator::Coordinator(io::Host& host, CoordinatorConfig config)
    : impl_(std::make_unique<Impl>(host, std::move(config))) {}
Coordinator::~Coordinator() = default;
Result<void> Coordinator::start() { return impl_->start(); }
void Coordinator::stop() { impl_->stop(); }
Endpoint Coordinator::local_endpoint() const { return impl_->local_endpoint(); }
crypto::PublicKey Coordinator::public_key() const { return impl_->identity().noise.public_key(); }
crypto::VerifyKey Coordinator::verify_key() const { return impl_->identity().admission.verify_key(); }
Result<std::string> Coordinator::create_key(const KeyOptions& options) { return impl_->create_key(options); }
Result<std::vector<KeyInfo>> Coordinator::list_keys() { return impl_->list_keys(); }
Result<void> Coordinator::revoke_key(std::uint64_t id) { return impl_->revoke_key(id); }
std::vector<NodeInfo> Coordinator::list_nodes() const { return impl_->list_nodes(); }
Result<void> Coordinator::remove_node(const std::string& name_or_id) { return impl_->remove_node(name_or_id); }
Result<void> Coordinator::expire_node(const std::string& name_or_id) { return impl_->expire_node(name_or_id); }

}  // namespace weft::coordinator

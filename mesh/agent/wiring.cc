// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/wiring.h"

#include <algorithm>

#include "mesh/agent/facts_record.h"
#include "mesh/agent/interfaces.h"
#include "mesh/agent/pending_ping.h"
#include "mesh/base/trace.h"
#include "mesh/io/clock.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/stream.h"
#include "mesh/io/udp_socket.h"
#include "mesh/wireguard/messages.h"

namespace weft::agent {
namespace {

using Session = control::ClientSession;
const std::string kMapEntry = "map";
const std::string kAdmissionEntry = "admission";
/// Changes of the map within this are written once.
constexpr Duration kSaveDelay = 1s;

}  // namespace

Wiring::Wiring(io::Host& host, const AgentConfig& config, Observer observer)
    : outer_(host),
      nat64_(host),
      host_(nat64_),
      config_(config),
      observer_(std::move(observer)),
      store_(host.files()),
      timestamps_(host.clock(), store_),
      tls_(host.entropy()),
      wireguard_random_(host.rng("agent.wireguard")),
      path_random_(host.rng("agent.path")),
      relay_random_(host.rng("agent.relay")),
      control_random_(host.rng("agent.control")),
      stun_random_(host.rng("agent.stun")),
      searches_(host.clock(), store_, budget_),
      save_timer_(host, [this] { save_map(); }),
      change_timer_(host, [this] { observer_.on_change(); }) {}

Wiring::~Wiring() {
  if (pinhole_) pinhole_->on_change = {}, pinhole_->remove_all();
  host_.network().on_change({});
  if (map_unsaved_) save_map();
}

std::unique_ptr<MappedPort> Wiring::withdraw_port() {
  if (mapped_port_) mapped_port_->withdraw();
  return std::move(mapped_port_);
}

Result<void> Wiring::start() {
  auto identity = load_identity(store_, host_.entropy(), config_.token);
  if (!identity) return std::unexpected(identity.error());
  identity_ = std::move(*identity);
  if (auto done = timestamps_.load(); !done) return done;
  searches_.load();
  if (auto done = open_sockets(); !done) return done;
  build();
  if (auto done = data_->open_lanes(); !done) return done;
  conflicts_ = find_overlay_conflicts(host_.network().interfaces());
  if (auto done = load_map(); !done) return done;
  control::Registration registration;
  registration.node_key = identity_.node_key.public_key();
  registration.name = config_.name;
  registration.secret = identity_.token.secret;
  registration.provenance = host_.entropy().provenance();
  control_ = std::make_unique<transport::ControlChannel>(
      host_, *control_random_,
      transport::ControlRoute{.token = identity_.token, .tls = [this] { return tls_.get(true); }, .proxy = proxy()},
      control::ClientConfig{.machine_key = identity_.machine_key,
                            .coordinator_key = identity_.token.coordinator_key,
                            .registration = std::move(registration),
                            .stored_map = std::move(stored_map_)},
      [this](const Session::Event& event) { on_control(event); });
  host_.network().on_change([this] { on_network(); });
  publish();
  control_->start();
  return {};
}

/// First the paths by what is gone, since their peers' data waits; then what is to be learned.
void Wiring::on_network() {
  data_->set_translated(nat64_.prefix().has_value());
  const auto moved = uplinks_->update();
  if (!moved.empty()) peers_->sockets_moved(moved);
  addresses_->sockets_changed();
  find_conflicts();
  addresses_->network_changed();
  if (mapped_port_) mapped_port_->network_changed();
  if (pinhole_) pinhole_->handle_network_change();
  relays_->network_changed();
  control_->network_changed([this](const IpAddress& address) { return owns_address(host_, address); });
  if (streams_) streams_->network_changed();
  peers_->local_changed();
}

Result<void> Wiring::open_sockets() {
  mux_ = std::make_unique<DatagramMux>(host_);
  uplinks_ = std::make_unique<Uplinks>(host_, *mux_);
  return mux_->open(
      config_.udp_port,
      {.on_wireguard = [this](std::span<PacketSlot> slots) { data_->handle_datagrams(slots); },
       .on_probe = [this](const PathId& from, ByteView bytes) { on_probe(from, bytes); },
       .on_stun = [this](std::uint16_t socket, const Endpoint& from,
                         ByteView bytes) { addresses_->handle_stun(socket, from, bytes); },
       .on_relay = [this](const Endpoint& from, ByteView bytes) { return on_relay_udp(from, bytes); },
       .on_carry = [this](std::span<PacketSlot> slots) { carriers_->forward(slots); },
       .on_carried = [this](const PathId& from, ByteView bytes) { return on_carried(from, bytes); },
       .on_too_big =
           [this](const PathId& path, std::uint32_t mtu) {
             if (peers_) peers_->too_big(path, mtu);
           },
       .send_stream = [this](std::uint16_t stream,
                             ByteView datagram) { return streams_ && streams_->send(stream, datagram); }});
}

void Wiring::build() {
  data_ = std::make_unique<DataPlane>(host_,
                                      wireguard::DeviceConfig{.private_key = identity_.node_key,
                                                              .next_timestamp = [this] { return timestamps_.next(); },
                                                              .mtu = config_.tun.mtu,
                                                              .limits = {}},
                                      *wireguard_random_);
  relays_ = std::make_unique<RelayLinks>(
      RelayLinkContext{.host = host_,
                       .tls = tls_,
                       .proxy = proxy(),
                       .random = *relay_random_,
                       .node_key = identity_.node_key,
                       .admission = {},
                       .on_state = [this](std::uint16_t) { on_relay_state(); },
                       .on_datagram = [this](std::uint16_t relay, const crypto::PublicKey& from,
                                             ByteView bytes) { on_relay_datagram(relay, from, bytes); },
                       .on_absent =
                           [this](std::uint16_t relay, const crypto::PublicKey& key) {
                             if (auto* link = peers_->find_by_key(key)) link->absent(relay);
                           },
                       .send_udp = [this](const Endpoint& to, ByteView head,
                                          ByteView datagram) { mux_->send_joined(to, head, datagram); },
                       .on_transport = [this] { changed(); },
                       .on_dialled =
                           [this](const relay::Dialled& dialled) {
                             if (mapped_port_) mapped_port_->handle_dialled(dialled);
                           }});
  relays_->on_home = [this] { apply_servers(), publish(), on_relay_state(); };
  uplinks_->update();
  addresses_ = std::make_unique<LocalAddresses>(host_, *mux_, *stun_random_, [this] { on_addresses(); });
  const auto sockets = mux_->sockets();
  const auto v4 = std::ranges::find(sockets, IpFamily::v4, &path::LocalSocket::family);
  if (!config_.port_mapping || config_.topology.kind == Topology::relay_only) {
    addresses_->set_port_mapping(path::PortMapping::off, std::nullopt);
  } else if (v4 != sockets.end()) {
    mapped_port_ = std::make_unique<MappedPort>(
        outer_, mux_->port(v4->index),
        [this](const relay::DialRequest& request) { return relays_->dial_back(request); },
        [this] { on_mapped_port(); });
  }
  const auto v6 = std::ranges::find(sockets, IpFamily::v6, &path::LocalSocket::family);
  if (config_.port_mapping && config_.topology.kind != Topology::relay_only && v6 != sockets.end())
    make_pinhole(mux_->port(v6->index));
  const PeerRelayConfig offer = is_mesh() ? config_.relay_for_peers : PeerRelayConfig{};
  carriers_ = std::make_unique<PeerCarriers>(host_, *mux_, offer, is_mesh(),
                                             [this]() -> const control::NetworkMap& { return map(); });
  peers_ = std::make_unique<PeerTable>(PeerLinkContext{
      .host = host_,
      .device = data_->device(),
      .relays = *relays_,
      .local = addresses_->view(),
      .budget = budget_,
      .random = *path_random_,
      .node_key = identity_.node_key,
      .self = path::key_id(identity_.node_key.public_key()),
      .mux = *mux_,
      .record =
          [this](std::uint64_t id) {
            const auto& peers = map().peers;
            const auto found = peers.find(id);
            return found == peers.end() ? nullptr : &found->second;
          },
      .sample = [this](IpFamily family,
                       std::function<void(std::uint16_t)> handler) { addresses_->sample(family, std::move(handler)); },
      .learn_lifetime = [this](IpFamily family) { addresses_->learn_lifetime(family); },
      .send = [this](const OutgoingDatagram& datagram) { data_->send(datagram); },
      .signal = [this](std::uint64_t peer, ByteView datagram) { control_->signal(peer, datagram); },
      .can_signal = [this] { return control_ && control_->connected(); },
      .on_path_set = [this] { data_->drain(); },
      .on_status = [this](PeerLink& link) { on_peer(link); },
      .want_streams =
          [this](const std::vector<Endpoint>& remotes) {
            streams().want();
            for (const Endpoint& remote : remotes) streams().dial(remote);
          },
      .on_stream_proved = [this](std::uint16_t stream) { streams().proved(stream); },
      .on_search = [this] { on_search(); },
      .on_carry = [this](const PeerLink& link, const PathId& from,
                         const path::Carry& carry) { carriers_->on_carry(link, from, carry); },
      .on_carried = [this](const PeerLink& link, const PathId& path) { carriers_->on_found(link, path); },
      .mtu = config_.tun.mtu,
      .relay_only = config_.topology.kind == Topology::relay_only});
  carriers_->connect(*peers_);
  data_->connect(*mux_, *relays_, *peers_, *carriers_, [this](const PathId& from) {
    if (auto* link = peers_->link_by_direct_path(map(), from)) link->stray_received();
  });
}

/// Hardly any host ever wants them.
StreamPaths& Wiring::streams() {
  if (streams_) return *streams_;
  streams_ = std::make_unique<StreamPaths>(
      host_, *stun_random_,
      StreamPaths::Handlers{
          .on_datagram = [this](const PathId& from, ByteView datagram) { mux_->receive_stream(from, datagram); },
          .on_open = [this](const PathId& path) { peers_->stream_opened(path); },
          .on_closed = [this](std::uint16_t number) { peers_->sockets_moved({number}); },
          .on_candidates = [this] { on_stream_candidates(); },
          .on_port =
              [this](std::uint16_t port) {
                if (!mapped_port_) return;
                mapped_port_->want_stream(port,
                                          [this](std::optional<Endpoint> external) { streams_->set_mapped(external); });
              }});
  streams_->set_servers(addresses_->servers());
  return *streams_;
}

/// Of no concern to peers with whom UDP works, so they are not told.
void Wiring::on_stream_candidates() {
  addresses_->set_stream_candidates(streams_->candidates());
  told_ = addresses_->view();
  peers_->stream_candidates_changed();
}

Result<void> Wiring::load_map() {
  auto map = store_.get(kMapEntry);
  if (!map) return std::unexpected(map.error());
  auto admission = store_.get(kAdmissionEntry);
  if (!admission) return std::unexpected(admission.error());
  if (*admission) relays_->set_admission(std::move(**admission));
  if (!*map) return {};
  auto parsed = control::parse_map(**map);
  if (!parsed) return {};  // of another version: the coordinator sends it anew
  stored_map_ = std::move(*parsed);
  return apply_map(stored_map_);
}

Result<void> Wiring::apply_map(const control::NetworkMap& map) {
  auto opened = open_tun(map.self_addresses);
  addresses_->set_overlay(map.self_addresses);
  relays_->set_relays(map.relays);
  apply_topology(map);
  peers_->apply(map);
  carriers_->on_map();
  apply_routes();
  apply_servers();
  return opened;
}

/// The map says by which name this node goes, and so whether it is the hub.
void Wiring::apply_topology(const control::NetworkMap& map) {
  if (config_.topology.kind != Topology::hub || map.self_name.empty()) return;
  const bool is_hub = map.self_name == config_.topology.hub;
  hub_ = is_hub ? std::string() : config_.topology.hub;
  peers_->set_hub(hub_, is_hub ? std::vector<Prefix>() : config_.topology.beyond);
  data_->set_hub(is_hub ? std::optional(map.self_addresses) : std::nullopt);
}

/// Addresses inside a network that this machine has elsewhere are left to it.
Result<void> Wiring::open_tun(std::vector<IpAddress> addresses) {
  std::erase_if(addresses, [this](const auto& each) { return inside(conflicts_, each); });
  if (addresses.empty() || addresses == tun_addresses_) return {};
  io::TunOptions options = config_.tun;
  options.addresses.clear();
  options.shared = host_.lanes() > 1;
  for (const auto& address : addresses) options.addresses.push_back(Prefix::host(address));
  static_cast<void>(data_->set_tun(nullptr));
  tun_addresses_.clear();
  auto tun = host_.open_tun(options);
  if (!tun) return std::unexpected(tun.error());
  tun_addresses_ = addresses;
  return data_->set_tun(std::move(*tun));
}

void Wiring::apply_routes() {
  if (host_.lanes() > 1) data_->drain();  // the other lanes are told of the peers' addresses
  if (!config_.set_routes || !data_->tun()) return;
  auto routes = peers_->routes();
  std::erase_if(routes, [this](const auto& each) { return inside(conflicts_, each.address); });
  if (auto done = data_->tun()->set_routes(routes); !done) observer_.on_error(done.error());
}

/// Another system on this machine has begun or ceased to use a part of our address space.
void Wiring::find_conflicts() {
  auto found = find_overlay_conflicts(host_.network().interfaces());
  if (found == conflicts_) return;
  conflicts_ = std::move(found);
  for (const auto& each : conflicts_) {
    trace(host_.trace(), host_.clock().now(), TraceLevel::warning, "agent", "address_conflict",
          {{"interface", each.interface}, {"prefix", each.prefix.to_string()}});
  }
  if (auto done = open_tun(control_->session().map().self_addresses); !done) observer_.on_error(done.error());
  apply_routes();
  changed();
}

const control::NetworkMap& Wiring::map() const { return control_ ? control_->session().map() : stored_map_; }

/// The home relay's first server makes our reflexive candidate; then one of each relay, to measure how far it is; then
/// the others of the home relay, which tell about the NAT.
void Wiring::apply_servers() {
  std::vector<Endpoint> servers;
  const auto& relays = map().relays;
  const auto home = relays.find(relays_->home());
  if (home != relays.end() && !home->second.stun_endpoints.empty()) servers.push_back(home->second.stun_endpoints[0]);
  for (const auto& [id, relay] : relays) {
    if (id != relays_->home() && !relay.stun_endpoints.empty()) servers.push_back(relay.stun_endpoints[0]);
  }
  if (home != relays.end()) {
    const auto& all = home->second.stun_endpoints;
    for (std::size_t i = 1; i < all.size(); ++i) servers.push_back(all[i]);
  }
  addresses_->set_servers(servers);
  if (streams_) streams_->set_servers(servers);
}

/// The nearest relay becomes the home relay, if it is nearer by more than what a measurement errs.
void Wiring::choose_relay() {
  const auto distance = [&](const control::RelayRecord& relay) -> std::optional<Duration> {
    return relay.stun_endpoints.empty() ? std::nullopt : addresses_->round_trip(relay.stun_endpoints[0]);
  };
  const auto& relays = map().relays;
  const auto home = relays.find(relays_->home());
  std::optional<Duration> best = home == relays.end() ? std::nullopt : distance(home->second);
  if (!best) return;
  for (const auto& [id, relay] : relays) {
    const auto one = distance(relay);
    if (!one || *one * 5 / 4 + 5ms >= *best) continue;
    best = one;
    relays_->prefer(id);
  }
}

/// This machine is no longer part of the network.
void Wiring::cut_off() {
  peers_->apply({});
  carriers_->on_map();
  apply_routes();
  static_cast<void>(store_.erase(kMapEntry));
  static_cast<void>(store_.erase(kAdmissionEntry));
  map_unsaved_ = false;
}

void Wiring::save_map() {
  map_unsaved_ = false;
  map_saved_ = true;
  if (auto done = store_.put(kMapEntry, control::encode(control_->session().map())); !done)
    observer_.on_error(done.error());
}

void Wiring::on_control(const Session::Event& event) {
  if (const auto* changes = std::get_if<Session::MapChanged>(&event)) on_map(*changes);
  if (const auto* signal = std::get_if<Session::SignalReceived>(&event)) return on_signal(*signal);
  if (const auto* registered = std::get_if<Session::Registered>(&event)) {
    trace(host_.trace(), host_.clock().now(), TraceLevel::info, "agent", "registered", {{"name", registered->name}});
  }
  if (const auto* admission = std::get_if<Session::AdmissionReceived>(&event)) {
    static_cast<void>(store_.put(kAdmissionEntry, admission->admission));
    relays_->set_admission(admission->admission);
  }
  if (const auto* refused = std::get_if<Session::Refused>(&event)) {
    if (refused->final && refused->error.code != ErrorCode::wrong_coordinator_key) cut_off();
    observer_.on_error(refused->error);
  }
  if (const auto* failed = std::get_if<Session::Failed>(&event)) observer_.on_error(failed->error);
  if (std::exchange(can_signal_, control_->connected()) != control_->connected()) peers_->signalling_changed();
  changed();
}

/// The coordinator says from whom it is; the seal says whether that is true.
void Wiring::on_signal(const Session::SignalReceived& signal) {
  const auto& peers = control_->session().map().peers;
  const auto peer = peers.find(signal.peer);
  auto* link = peer == peers.end() ? nullptr : peers_->link_by_key(peer->second.node_key);
  if (link && classify(signal.datagram) == DatagramKind::probe)
    link->probe_received({.socket = 0, .relay = path::kSignalling, .remote = {}}, signal.datagram);
}

void Wiring::on_map(const Session::MapChanged& changes) {
  const auto& map = control_->session().map();
  if (changes.everything) {
    if (auto done = apply_map(map); !done) observer_.on_error(done.error());
    look_at_siblings();
  } else {
    bool siblings = false;
    peers_->apply(map, changes.peers);
    carriers_->on_map(changes.peers);
    for (const auto id : changes.peers) {
      const auto record = map.peers.find(id);
      siblings = siblings || siblings_.contains(id) || (record != map.peers.end() && is_sibling(record->second));
    }
    if (siblings) look_at_siblings();
    if (changes.relays) relays_->set_relays(map.relays), apply_servers();
    if (peers_->take_routes_changed()) apply_routes();
  }
  if (stored_map_.self_id == 0 && !map_saved_) return save_map();  // the first one: a crash would cost our place
  if (!map_unsaved_) save_timer_.arm(host_.clock().now() + kSaveDelay);
  map_unsaved_ = true;
}

/// A peer sends data by a session of which we know nothing: we have been restarted, and it would notice after 15 s
/// (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT). The relay vouches for the sender, so we may begin a handshake ourselves.
void Wiring::greet(const crypto::PublicKey& from, ByteView datagram) {
  if (wireguard::message_type(datagram) != wireguard::MessageType::transport_data) return;
  const auto peer = data_->device().find_peer(from);
  if (!peer || data_->device().stats(*peer).last_handshake) return;
  data_->device().initiate(host_.clock().now(), *peer);
  data_->drain();
}

void Wiring::on_relay_datagram(std::uint16_t relay, const crypto::PublicKey& from, ByteView datagram) {
  const PathId path{.socket = 0, .relay = relay, .remote = {}};
  switch (classify(datagram)) {
    case DatagramKind::wireguard:
      greet(from, datagram);
      return data_->handle_relayed(path, datagram);
    case DatagramKind::probe:
      if (auto* link = peers_->link_by_key(from)) link->probe_received(path, datagram);
      return;
    default:
      return;
  }
}

std::optional<std::uint16_t> Wiring::on_relay_udp(const Endpoint& from, ByteView datagram) {
  if (const auto token = relay::parse_dial_datagram(datagram)) {
    if (mapped_port_) mapped_port_->handle_arrival(*token);
    return std::nullopt;
  }
  const auto received = relays_->handle_udp(from, datagram);
  if (!received) return std::nullopt;
  if (classify(received->datagram) == DatagramKind::wireguard) {
    greet(received->from, received->datagram);
    return received->relay;
  }
  on_relay_datagram(received->relay, received->from, received->datagram);
  return std::nullopt;
}

/// The leg says from whom it is: by this way only its peer is heard.
std::optional<PathId> Wiring::on_carried(const PathId& from, ByteView datagram) {
  const auto arrival = carriers_->arrival(from, datagram);
  if (!arrival) return std::nullopt;
  const ByteView inside = datagram.subspan(relay::kUdpDataHeader);
  const auto kind = classify(inside);
  auto* const link = kind == DatagramKind::probe ? peers_->link(arrival->peer) : nullptr;
  if (link) link->probe_received(arrival->path, inside);
  return kind == DatagramKind::wireguard ? std::optional(arrival->path) : std::nullopt;
}

void Wiring::on_probe(const PathId& from, ByteView datagram) {
  const auto sender = path::sender_of(datagram);
  auto* link = sender ? peers_->link_by_key_id(*sender) : nullptr;
  if (link) link->probe_received(from, datagram);
}

void Wiring::on_relay_state() {
  peers_->relay_changed();
  addresses_->set_stream_rtt(relays_->ready(relays_->home()) ? relays_->rtt(relays_->home()) : std::nullopt);
  if (mapped_port_) mapped_port_->set_helper(relays_->ready(relays_->home()));
  changed();
}

void Wiring::on_mapped_port() {
  const auto& view = mapped_port_->view();
  trace(host_.trace(), host_.clock().now(), TraceLevel::info, "agent", "port_mapping",
        {{"state", std::string(path::name(view.state))},
         {"endpoint", view.endpoint ? view.endpoint->to_string() : std::string()}});
  addresses_->set_port_mapping(view.state, view.endpoint);
}

/// Our own IPv6 endpoint is among the candidates as it is; a pinhole only lets those in whom we have not written to
/// first. So nothing waits for it, and nothing is told of it.
void Wiring::make_pinhole(std::uint16_t port) {
  pinhole_ =
      std::make_unique<PortMapping>(host_, portmap::MapperConfig{.nat_pmp = false, .upnp_igd = false}, IpFamily::v6);
  pinhole_->on_change = [this](const portmap::MappingReport& report) {
    trace(host_.trace(), host_.clock().now(), TraceLevel::info, "agent", "pinhole",
          {{"state", std::string(portmap::to_string(report.state))},
           {"endpoint", report.external ? report.external->to_string() : std::string()}});
  };
  pinhole_->add({portmap::Protocol::udp, port});
  pinhole_->handle_network_change();
}

bool Wiring::is_sibling(const control::PeerRecord& peer) const {
  if (!peer.online) return false;
  constexpr auto kSeen = static_cast<std::uint8_t>(path::CandidateKind::server_reflexive);
  return std::ranges::any_of(peer.candidates, [this](const control::CandidateRecord& theirs) {
    return theirs.kind == kSeen && theirs.endpoint.address.is_v4() &&
           std::ranges::any_of(addresses_->view().candidates, [&](const path::Candidate& ours) {
             return ours.kind == path::CandidateKind::server_reflexive &&
                    ours.endpoint.address == theirs.endpoint.address;
           });
  });
}

/// One search in flight behind one address, and what one has learned the others need not learn.
void Wiring::look_at_siblings() {
  if (!control_) return;
  siblings_.clear();
  path::NatFacts known;
  for (const auto& [id, peer] : control_->session().map().peers) {
    if (!is_sibling(peer)) continue;
    siblings_.insert(id);
    const auto facts = to_facts(peer.facts);
    known.searching = known.searching || facts.searching;
    if (known.hairpinning == path::Hairpinning::unknown) known.hairpinning = facts.hairpinning;
    if (!known.allocations_per_minute) known.allocations_per_minute = facts.allocations_per_minute;
  }
  budget_.set_sibling_search(known.searching);
  addresses_->set_sibling(known);
}

void Wiring::on_search() {
  searches_.save();
  if (!siblings_.empty()) publish();
}

void Wiring::on_addresses() {
  if (!addresses_) return;  // it is being made, and asked for its view afterwards
  const auto& view = addresses_->view();
  const bool news = view.candidates != told_.candidates || path::decisive(view.facts) != path::decisive(told_.facts);
  told_ = view;
  if (peers_ && news) peers_->local_changed();
  if (view.facts.udp_blocked) streams().want();
  if (addresses_ && addresses_->complete()) choose_relay();
  if (mapped_port_ && addresses_->behind_nat()) mapped_port_->want();
  look_at_siblings();
  publish();
  changed();
}

void Wiring::publish() {
  if (!control_) return;
  const auto& view = addresses_->view();
  std::vector<control::CandidateRecord> records;
  const bool hidden = config_.topology.kind == Topology::relay_only;
  for (const auto& candidate : view.candidates) {
    if (hidden || records.size() == control::kMaxCandidates) break;
    if (path::is_tcp(candidate.kind)) continue;  // told in plans
    records.push_back({static_cast<std::uint8_t>(candidate.kind), candidate.endpoint});
  }
  auto facts = view.facts;
  facts.searching = budget_.search_running();
  control_->publish(std::move(records), to_record(facts), relays_->home(), carriers_->offers());
}

void Wiring::on_peer(PeerLink& link) {
  if (link.duplicate()) addresses_->doubt(), relays_->doubt();
  const auto status = link.status();
  const bool direct = status.chosen && !status.chosen->relayed();
  trace(host_.trace(), host_.clock().now(), TraceLevel::info, "agent", "path",
        {{"peer", link.name()},
         {"state", std::string(path::name(status.state))},
         {"path", std::string(path::name(status.path_class))},
         {"reason", std::string(status.reason)},
         {"endpoint", direct ? status.chosen->remote.to_string() : std::string()}});
  carriers_->on_status(link);
  observer_.on_path({.peer = link.map_id(), .name = link.name(), .status = status});
  changed();
}

void Wiring::changed() { change_timer_.arm(host_.clock().now()); }

}  // namespace weft::agent

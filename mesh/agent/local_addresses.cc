// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/local_addresses.h"

#include <algorithm>

#include "mesh/agent/datagram_mux.h"
#include "mesh/agent/interfaces.h"
#include "mesh/base/deadlines.h"
#include "mesh/base/nat64.h"
#include "mesh/io/clock.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/udp_socket.h"

namespace weft::agent {
namespace {

/// A refresh is repeated soon and given up within 2.3 s.
constexpr stun::Timing kRefreshTiming{.rto = 250ms, .sends = 3, .last_wait = 2};

path::NatFacts facts_of(const stun::DiscoveryFinished& finished) {
  auto facts = path::facts_from_words(stun::to_string(finished.mapping), stun::to_string(finished.filtering));
  if (finished.mapping == stun::Mapping::unknown_but_dependent)
    facts.mapping = path::Mapping::address_and_port_dependent;
  if (finished.filtering == stun::Filtering::unknown_but_dependent) {
    facts.filtering = path::Filtering::address_and_port_dependent;
  }
  facts.udp_blocked = finished.udp_blocked;
  return facts;
}

void send_from(io::UdpSocket& socket, const Endpoint& to, Bytes bytes) {
  DatagramSlot item;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  item.slot = {bytes.data(), size, 0, size};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  socket.send({&item, 1});
}

}  // namespace

LocalAddresses::LocalAddresses(io::Host& host, DatagramMux& mux, Random& random, std::function<void()> on_change)
    : host_(host),
      mux_(mux),
      random_(random),
      on_change_(std::move(on_change)),
      learner_(host, random, [this] { learned(); }),
      timer_(host, [this] {
        for (auto& probe : probes_) {
          if (probe.discovery) probe.discovery->handle_timeout(now());
          probe.client->handle_timeout(now());
          if (probe.refresh_at && *probe.refresh_at <= now()) refresh(probe);
        }
        drain();
      }) {
  for (const auto& socket : mux_.sockets()) add_probe(socket);
  rebuild();
}

LocalAddresses::~LocalAddresses() = default;

Time LocalAddresses::now() const { return host_.clock().now(); }

void LocalAddresses::add_probe(const path::LocalSocket& socket) {
  Probe probe;
  probe.socket = socket;
  probe.client = std::make_unique<stun::Client>(random_, kRefreshTiming);
  probes_.push_back(std::move(probe));
}

void LocalAddresses::sockets_changed() {
  const auto sockets = mux_.sockets();
  const auto has = [](const auto& list, std::uint16_t index, auto number) {
    return std::ranges::any_of(list, [&](const auto& one) { return number(one) == index; });
  };
  std::erase_if(probes_, [&](const Probe& probe) {
    return !has(sockets, probe.socket.index, [](const path::LocalSocket& one) { return one.index; });
  });
  for (const auto& socket : sockets) {
    if (has(probes_, socket.index, [](const Probe& one) { return one.socket.index; })) continue;
    add_probe(socket);
    probes_.back().servers = servers_for(socket.family);
  }
}

std::vector<Endpoint> LocalAddresses::servers_for(IpFamily family) const {
  std::vector<Endpoint> wanted;
  for (const auto& server : servers_) {
    if (server.address.family() == family && wanted.size() < kMaxServers) wanted.push_back(server);
  }
  return wanted;
}

void LocalAddresses::set_servers(const std::vector<Endpoint>& servers) {
  servers_ = servers;
  for (auto& probe : probes_) {
    auto wanted = servers_for(probe.socket.family);
    if (wanted == probe.servers) continue;
    probe.servers = std::move(wanted);
    restart(probe);
  }
  drain();
}

void LocalAddresses::set_overlay(const std::vector<IpAddress>& addresses) {
  overlay_ = addresses;
  drain();
}

void LocalAddresses::set_port_mapping(path::PortMapping state, std::optional<Endpoint> endpoint) {
  port_mapping_ = state;
  mapped_endpoint_ = endpoint;
  rebuild();
}

void LocalAddresses::set_stream_candidates(std::vector<path::Candidate> candidates) {
  std::erase_if(view_.candidates, [](const path::Candidate& one) { return path::is_tcp(one.kind); });
  view_.candidates.insert(view_.candidates.end(), candidates.begin(), candidates.end());
  stream_candidates_ = std::move(candidates);
}

void LocalAddresses::set_stream_rtt(std::optional<Duration> rtt) {
  if (stream_rtt_.has_value() == rtt.has_value()) return;  // the first one will do
  stream_rtt_ = rtt;
  drain();
}

/// When UDP counts as blocked unless a server answers before; nullopt: one has, or nothing shows that it is UDP's
/// fault.
std::optional<Time> LocalAddresses::silent_at(const Probe& probe) const {
  if (!probe.discovery || !probe.round_trips.empty() || !stream_rtt_) return std::nullopt;
  return probe.started + kSilent + 2 * *stream_rtt_;
}

bool LocalAddresses::behind_nat() const {
  return std::any_of(probes_.begin(), probes_.end(),
                     [this](const Probe& probe) { return probe.socket.family == IpFamily::v4 && translated(probe); });
}

void LocalAddresses::network_changed() {
  for (auto& probe : probes_) restart(probe);
  drain();
}

void LocalAddresses::doubt() {
  for (auto& probe : probes_) {
    if (!probe.refresh_at || (probe.refreshed_at && now() - *probe.refreshed_at < 1s)) continue;
    refresh(probe);
  }
  drain();
}

void LocalAddresses::handle_stun(std::uint16_t socket, const Endpoint& from, ByteView datagram) {
  for (auto& probe : probes_) {
    if (probe.socket.index != socket) continue;
    const bool taken =
        probe.discovery && probe.discovery->handle_datagram(now(), stun::TestSocket::shared, from, datagram);
    if (!taken) probe.client->handle_datagram(now(), from, datagram);
  }
  drain();
}

bool LocalAddresses::complete() const {
  return std::all_of(probes_.begin(), probes_.end(), [](const Probe& p) { return p.known || p.servers.empty(); });
}

std::optional<Duration> LocalAddresses::round_trip(const Endpoint& server) const {
  for (const auto& probe : probes_) {
    if (const auto found = probe.round_trips.find(server); found != probe.round_trips.end()) return found->second;
  }
  return std::nullopt;
}

FamilyReport LocalAddresses::family(IpFamily family) const {
  FamilyReport report;
  for (const auto& interface : host_.network().interfaces()) {
    if (!interface.up) continue;
    for (const auto& prefix : interface.addresses) {
      const auto& address = prefix.address;
      const bool overlay = std::find(overlay_.begin(), overlay_.end(), address) != overlay_.end();
      const bool usable =
          !overlay && !address.is_loopback() && !address.is_link_local() && !is_continuity_address(address);
      report.address = report.address || (usable && address.family() == family);
    }
  }
  for (const auto& probe : probes_) {
    const auto server = answering_server(probe);
    if (probe.socket.family != family || !server) continue;
    report.udp = !probe.facts.udp_blocked;
    report.reflexive = probe.mapped.at(*server);
    report.translated = translated(probe);
  }
  return report;
}

std::optional<Duration> LocalAddresses::facts_age() const {
  std::optional<Time> last;
  for (const auto& probe : probes_)
    last = probe.learned ? std::max(last.value_or(*probe.learned), *probe.learned) : last;
  return last ? std::optional(now() - *last) : std::nullopt;
}

/// Asks all servers again; what was known stays until the answers say otherwise.
void LocalAddresses::restart(Probe& probe) {
  probe.fresh.reset();
  probe.discovery.reset();
  probe.refresh_at.reset();
  if (probe.lifetime) probe.lifetime->forget();
  if (probe.servers.empty() || !has_family(host_, probe.socket.family)) {
    probe.mapped.clear();
    probe.facts = {};
    probe.known = true;
    return;
  }
  probe.discovery = std::make_unique<stun::NatDiscovery>(stun::DiscoveryConfig{.servers = probe.servers}, random_);
  auto fresh = host_.open_udp(
      {.local = {IpAddress::any(probe.socket.family), 0}, .interface = mux_.interface(probe.socket.index)});
  if (fresh) {
    probe.fresh = std::move(*fresh);
    probe.fresh->start_receive([this, index = probe.socket.index](std::span<DatagramSlot> slots) {
      for (auto& p : probes_) {
        if (p.socket.index != index || !p.discovery) continue;
        for (const auto& [slot, meta] : slots) {
          if (meta.icmp) continue;
          const std::size_t step = meta.segment_size == 0 ? std::max(slot.length, 1u) : meta.segment_size;
          for (ByteView run = slot.bytes(); !run.empty(); run = run.subspan(std::min(step, run.size()))) {
            const ByteView answer = run.first(std::min(step, run.size()));
            p.discovery->handle_datagram(now(), stun::TestSocket::fresh, meta.source, answer);
          }
        }
      }
      timer_.arm(now());  // drained on the next turn: the end of the tests closes this socket
    });
  }
  probe.started = now();
  probe.round_trips.clear();
  probe.discovery->start(now());
}

void LocalAddresses::finish(Probe& probe, const stun::DiscoveryFinished& finished) {
  probe.mapped = probe.discovery->mapped();
  probe.facts = facts_of(finished);
  probe.known = true;
  probe.learned = now();
  probe.fresh.reset();
  probe.discovery.reset();
  probe.refresh_at = now() + (finished.udp_blocked ? kRetry : kRefresh);
  learn(probe);
}

std::optional<Endpoint> LocalAddresses::answering_server(const Probe& probe) const {
  const auto found = std::find_if(probe.servers.begin(), probe.servers.end(),
                                  [&](const Endpoint& server) { return probe.mapped.contains(server); });
  return found == probe.servers.end() ? std::nullopt : std::optional(*found);
}

/// The servers see another address than this host has.
bool LocalAddresses::translated(const Probe& probe) const {
  const auto server = answering_server(probe);
  if (!server) return false;
  for (const auto& interface : host_.network().interfaces()) {
    for (const auto& prefix : interface.addresses) {
      if (prefix.address == probe.mapped.at(*server).address) return false;
    }
  }
  return true;
}

void LocalAddresses::learn(const Probe& probe) {
  if (!translated(probe) || probe.socket.family != IpFamily::v4) return;
  IpAddress local;
  for (const auto& interface : host_.network().interfaces()) {
    if (!interface.up || !interface.has_default_route) continue;
    for (const auto& prefix : interface.addresses) {
      if (local.is_unspecified() && prefix.address.is_v4()) local = prefix.address;
    }
  }
  NatLearner::Question question{.server = *answering_server(probe),
                                .local = local,
                                .symmetric = probe.facts.mapping != path::Mapping::endpoint_independent};
  // One socket may have got one port twice by chance, of a NAT that draws from few.
  if (probe.facts.mapping != path::Mapping::address_and_port_dependent) {
    for (const auto& [server, mapped] : probe.mapped) {
      if (server.address == question.server.address && server != question.server) question.second_server = server;
    }
  }
  learner_.learn(question);
}

/// Throw-away sockets may contradict what the agent's own socket has shown; then the allocation is asked for again, as
/// of a NAT that gives each flow a port.
void LocalAddresses::learned() {
  for (auto& probe : probes_) {
    if (!learner_.varies() || probe.socket.family != IpFamily::v4 || !translated(probe)) continue;
    probe.facts.mapping = path::Mapping::address_and_port_dependent;
    learn(probe);
  }
  rebuild();
}

void LocalAddresses::learn_lifetime(IpFamily family) {
  for (auto& probe : probes_) {
    const auto server = answering_server(probe);
    if (probe.socket.family != family || !server) continue;
    if (!probe.lifetime) probe.lifetime = std::make_unique<LifetimeLearner>(host_, random_);
    probe.lifetime->learn(*server);
  }
}

void LocalAddresses::sample(IpFamily family, std::function<void(std::uint16_t)> handler) {
  for (const auto& probe : probes_) {
    const auto server = answering_server(probe);
    if (probe.socket.family == family && server) return learner_.sample(*server, std::move(handler));
  }
}

void LocalAddresses::refresh(Probe& probe) {
  probe.refreshed_at = now();
  probe.refresh_at = now() + (probe.facts.udp_blocked ? kRetry : kRefresh);
  // The first server that ever answered holds the mapping that peers know; when none did, any may.
  for (const auto& server : probe.servers) {
    if (!probe.facts.udp_blocked && !probe.mapped.contains(server)) continue;
    probe.client->request(now(), server);
    if (!probe.facts.udp_blocked) return;
  }
}

void LocalAddresses::refreshed(Probe& probe, const stun::ClientEvent& event) {
  if (const auto* answer = std::get_if<stun::Reflexive>(&event)) {
    const auto known = probe.mapped.find(answer->server);
    if (known == probe.mapped.end() || known->second != answer->mapped) restart(probe);
  } else if (!probe.facts.udp_blocked) {
    restart(probe);
  }
}

void LocalAddresses::drain(Probe& probe) {
  while (probe.discovery) {
    const auto datagram = probe.discovery->poll_transmit();
    if (!datagram) break;
    if (datagram->socket == stun::TestSocket::shared) {
      mux_.send(probe.socket.index, datagram->destination, datagram->bytes);
    } else if (probe.fresh) {
      send_from(*probe.fresh, datagram->destination, datagram->bytes);
    }
  }
  while (probe.discovery) {
    const auto event = probe.discovery->poll_event();
    if (!event) break;
    if (const auto* found = std::get_if<stun::ReflexiveFound>(&*event)) {
      probe.mapped[found->server] = found->mapped;
      probe.round_trips.emplace(found->server, now() - probe.started);
    } else {
      finish(probe, std::get<stun::DiscoveryFinished>(*event));
    }
  }
  while (auto event = probe.client->poll_event()) refreshed(probe, *event);
  while (auto datagram = probe.client->poll_transmit()) {
    mux_.send(probe.socket.index, datagram->destination, datagram->bytes);
  }
}

void LocalAddresses::drain() {
  std::optional<Time> next;
  for (auto& probe : probes_) {
    drain(probe);
    drain(probe);  // an answered refresh may have begun a discovery
    if (probe.discovery) next = earlier(next, probe.discovery->next_deadline());
    next = earlier(earlier(next, probe.client->next_deadline()), probe.refresh_at);
    if (const auto silent = silent_at(probe); silent && *silent > now()) next = earlier(next, silent);
  }
  timer_.arm(next);
  rebuild();
}

void LocalAddresses::rebuild() {
  path::LocalView fresh;
  bool blocked = false, answered = false;
  for (const auto& probe : probes_) {
    fresh.sockets.push_back(probe.socket);
    Duration& lifetime = probe.socket.family == IpFamily::v4 ? fresh.lifetime_v4 : fresh.lifetime_v6;
    const Duration own = probe.lifetime ? probe.lifetime->lifetime() : 0ns;
    if (own > 0ns) lifetime = lifetime > 0ns ? std::min(lifetime, own) : own;
    const auto server = std::find_if(probe.servers.begin(), probe.servers.end(),
                                     [&](const Endpoint& s) { return probe.mapped.contains(s); });
    const auto silent_since = silent_at(probe);
    const bool silent = silent_since && *silent_since <= now();
    blocked = blocked || silent || (probe.known && probe.facts.udp_blocked);
    if (server != probe.servers.end() && !silent) {
      fresh.candidates.push_back({path::CandidateKind::server_reflexive, probe.mapped.at(*server)});
      if (!answered) fresh.facts = probe.facts;
      if (!answered && probe.socket.family == IpFamily::v4) learner_.add_to(fresh.facts);
      answered = true;
    }
  }
  fresh.facts.udp_blocked = blocked && !answered;
  fresh.facts.port_mapping = port_mapping_;
  if (mapped_endpoint_) fresh.candidates.push_back({path::CandidateKind::port_mapped, *mapped_endpoint_});
  for (const auto& interface : host_.network().interfaces()) {
    if (!interface.up) continue;
    for (const auto& prefix : interface.addresses) {
      const auto& address = prefix.address;
      if (address.is_loopback() || address.is_link_local() || address.is_multicast()) continue;
      if (is_continuity_address(address)) continue;
      if (std::find(overlay_.begin(), overlay_.end(), address) != overlay_.end()) continue;
      const auto own = [&](const path::LocalSocket& s) {
        return s.family == address.family() && mux_.interface(s.index) == interface.name;
      };
      auto socket = std::find_if(fresh.sockets.begin(), fresh.sockets.end(), own);
      if (socket == fresh.sockets.end())
        socket = std::find_if(fresh.sockets.begin(), fresh.sockets.end(),
                              [&](const path::LocalSocket& s) { return s.family == address.family(); });
      if (socket == fresh.sockets.end()) continue;
      fresh.candidates.push_back({path::CandidateKind::host, {address, mux_.port(socket->index)}});
    }
  }
  fresh.candidates.insert(fresh.candidates.end(), stream_candidates_.begin(), stream_candidates_.end());
  const bool same = fresh.candidates == view_.candidates && fresh.facts == view_.facts;
  view_ = std::move(fresh);
  if (!same && on_change_) on_change_();
}

}  // namespace weft::agent

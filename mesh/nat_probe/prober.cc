// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/nat_probe/prober.h"

#include "mesh/base/deadlines.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"

namespace weft::nat_probe {
namespace {

template <typename... Handlers>
struct Match : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

Prober::Prober(io::Host& host, ProbeOptions options)
    : host_(host),
      options_(std::move(options)),
      random_(host.rng("nat_probe")),
      timer_(host.make_timer([this] { drain(); })),
      sockets_(host, [this](std::size_t socket, const Endpoint& from, ByteView datagram) {
        receive(socket, from, datagram);
      }) {}

Prober::~Prober() = default;

Result<void> Prober::start() { return discover(); }

Result<void> Prober::discover() {
  if (auto opened = sockets_.open(2, options_.server.address.family()); !opened) return opened;
  stun::DiscoveryConfig config;
  config.servers = {options_.server};
  config.nat64_prefix = options_.nat64_prefix;
  core_.emplace<stun::NatDiscovery>(std::move(config), *random_).start(host_.clock().now());
  drain();
  return {};
}

Result<void> Prober::sample() {
  if (auto opened = sockets_.open(options_.samples, options_.server.address.family()); !opened) return opened;
  auto& core = core_.emplace<stun::AllocationProbe>(
      stun::AllocationProbeConfig{.server = options_.server, .second_server = second_server_}, *random_);
  core.start(host_.clock().now(), sockets_.ports());
  return {};
}

Result<void> Prober::hairpin() {
  if (auto opened = sockets_.open(2, options_.server.address.family()); !opened) return opened;
  const auto ports = sockets_.ports();
  const IpAddress local = options_.local_address.value_or(IpAddress::any(options_.server.address.family()));
  auto& core = core_.emplace<stun::HairpinProbe>(
      stun::HairpinProbeConfig{.server = options_.server, .nat64_prefix = options_.nat64_prefix}, *random_);
  core.start(host_.clock().now(), {Endpoint{local, ports[0]}, Endpoint{local, ports[1]}});
  return {};
}

Result<void> Prober::measure() {
  stun::LifetimeProbeConfig unreplied;
  unreplied.server = options_.server;
  stun::LifetimeProbeConfig replied = unreplied;
  replied.replied = true;
  curve_points_ = unreplied.delays.size();
  if (auto opened = sockets_.open(2 * curve_points_, options_.server.address.family()); !opened) return opened;
  auto& core = core_.emplace<Lifetimes>(
      Lifetimes{stun::LifetimeProbe(unreplied, *random_), stun::LifetimeProbe(replied, *random_)});
  core.unreplied.start(host_.clock().now());
  core.replied.start(host_.clock().now());
  return {};
}

Result<void> Prober::refresh() {
  if (auto opened = sockets_.open(2, options_.server.address.family()); !opened) return opened;
  auto& core = core_.emplace<stun::RefreshProbe>(
      stun::RefreshProbeConfig{.server = options_.server, .survived = result_.replied->survived}, *random_);
  core.start(host_.clock().now());
  return {};
}

void Prober::receive(std::size_t socket, const Endpoint& from, ByteView datagram) {
  const Time now = host_.clock().now();
  std::visit(Match{[](std::monostate&) {},
                   [&](stun::NatDiscovery& core) {
                     core.handle_datagram(now, socket == 0 ? stun::TestSocket::shared : stun::TestSocket::fresh, from,
                                          datagram);
                   },
                   [&](Lifetimes& core) {
                     if (socket < curve_points_) {
                       core.unreplied.handle_datagram(now, socket, from, datagram);
                     } else {
                       core.replied.handle_datagram(now, socket - curve_points_, from, datagram);
                     }
                   },
                   [&](auto& core) { core.handle_datagram(now, socket, from, datagram); }},
             core_);
  // The sockets may change with the core, so not before their handler has returned.
  timer_->arm(now);
}

/// Sends what the core wants sent, takes its events, and arms the timer; a finished core makes room for the next.
void Prober::drain() {
  const Time now = host_.clock().now();
  std::visit(Match{[](std::monostate&) {},
                   [&](Lifetimes& core) {
                     core.unreplied.handle_timeout(now);
                     core.replied.handle_timeout(now);
                   },
                   [&](auto& core) { core.handle_timeout(now); }},
             core_);
  while (std::visit([this](auto& core) { return poll(core); }, core_)) {
  }
  const auto next = std::visit(
      Match{[](const std::monostate&) -> std::optional<Time> { return std::nullopt; },
            [](const Lifetimes& core) { return earlier(core.unreplied.next_deadline(), core.replied.next_deadline()); },
            [](const auto& core) { return core.next_deadline(); }},
      core_);
  if (next) timer_->arm(*next);
}

bool Prober::poll(stun::NatDiscovery& core) {
  while (auto datagram = core.poll_transmit()) {
    sockets_.send(datagram->socket == stun::TestSocket::shared ? 0 : 1, datagram->destination, datagram->bytes);
  }
  const auto event = core.poll_event();
  if (!event) return false;
  if (const auto* found = std::get_if<stun::ReflexiveFound>(&*event)) {
    const Endpoint local{options_.local_address.value_or(found->mapped.address), sockets_.ports()[0]};
    result_.translated |= found->mapped != local;
    return true;
  }
  const auto& finished = std::get<stun::DiscoveryFinished>(*event);
  result_.mapping = finished.mapping;
  result_.filtering = finished.filtering;
  result_.udp_blocked = finished.udp_blocked;
  if (finished.mapping != stun::Mapping::address_and_port_dependent) {
    for (const auto& [server, mapped] : core.mapped()) {
      if (server.address == options_.server.address && server != options_.server) second_server_ = server;
    }
  }
  if (finished.udp_blocked) {
    finish();
  } else {
    advance(sample());
  }
  return true;
}

bool Prober::poll(stun::AllocationProbe& core) {
  while (auto datagram = core.poll_transmit()) sockets_.send(datagram->socket, datagram->destination, datagram->bytes);
  const auto event = core.poll_event();
  if (!event) return false;
  result_.allocation = event->facts;
  if (event->varies) result_.mapping = stun::Mapping::address_and_port_dependent;
  advance(hairpin());
  return true;
}

bool Prober::poll(stun::HairpinProbe& core) {
  while (auto datagram = core.poll_transmit()) sockets_.send(datagram->socket, datagram->destination, datagram->bytes);
  const auto event = core.poll_event();
  if (!event) return false;
  result_.hairpinning = *event;
  if (options_.lifetimes) {
    advance(measure());
  } else {
    finish();
  }
  return true;
}

bool Prober::poll(Lifetimes& core) {
  while (auto datagram = core.unreplied.poll_transmit())
    sockets_.send(datagram->socket, datagram->destination, datagram->bytes);
  while (auto datagram = core.replied.poll_transmit())
    sockets_.send(datagram->socket + curve_points_, datagram->destination, datagram->bytes);
  if (auto event = core.unreplied.poll_event()) result_.unreplied = std::move(event);
  if (auto event = core.replied.poll_event()) result_.replied = std::move(event);
  if (!result_.unreplied || !result_.replied) return false;
  // What refreshes a mapping can be told only of one whose end is known.
  if (result_.replied->supported && result_.replied->survived > Duration{0} && result_.replied->died) {
    advance(refresh());
  } else {
    finish();
  }
  return true;
}

bool Prober::poll(stun::RefreshProbe& core) {
  while (auto datagram = core.poll_transmit()) sockets_.send(datagram->socket, datagram->destination, datagram->bytes);
  const auto event = core.poll_event();
  if (!event) return false;
  result_.refresh = *event;
  finish();
  return true;
}

/// Goes on with the next core, or ends if it found no sockets.
void Prober::advance(Result<void> next) {
  if (!next) finish();
}

void Prober::finish() {
  core_.emplace<std::monostate>();
  sockets_.close();
  timer_->cancel();
  host_.post([this] {
    if (on_finished) on_finished();
  });
}

}  // namespace weft::nat_probe

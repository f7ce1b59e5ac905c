// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tunnel/static_tunnel.h"

#include <algorithm>
#include <map>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/io/clock.h"
#include "mesh/io/datagram_run.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"

namespace weft::tunnel {

struct StaticTunnel::Impl {
  Impl(StaticTunnel& owner, io::Host& on, StaticTunnelConfig given)
      : tunnel(owner), host(on), config(std::move(given)), random(host.rng("wireguard")) {
    wireguard::DeviceConfig device_config;
    device_config.private_key = config.private_key;
    device_config.mtu = config.tun.mtu;
    device_config.limits = config.limits;
    device_config.cipher = config.cipher;
    device_config.next_timestamp = [this] {
      last_timestamp = std::max(host.clock().wall_now(), last_timestamp + 1ns);
      return wireguard::to_tai64n(last_timestamp);
    };
    device = std::make_unique<wireguard::Device>(device_config, *random, host.entropy());
    timer = host.make_timer([this] {
      device->handle_timeout(now());
      drain();
    });
  }

  Time now() { return host.clock().now(); }
  Result<void> start();
  Result<void> open_sockets();
  Result<void> open_tun();
  Result<void> add_peers();
  std::optional<PathId> path_to(const Endpoint& remote) const;

  void from_tun(std::span<PacketSlot> packets);
  void from_socket(std::uint16_t socket, std::span<DatagramSlot> datagrams);
  void open(std::span<PacketSlot> slots);
  void drain();

  StaticTunnel& tunnel;
  io::Host& host;
  StaticTunnelConfig config;
  WallTime last_timestamp{};
  std::unique_ptr<Random> random;
  std::unique_ptr<wireguard::Device> device;
  std::map<wireguard::PeerId, crypto::PublicKey> keys;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets;  // as `listen`; null: left out
  std::unique_ptr<io::TunDevice> tun;
  std::unique_ptr<io::Timer> timer;
  std::optional<Time> armed;

  io::SlotBatch incoming;
  io::OutgoingRun outgoing;
};

Result<void> StaticTunnel::Impl::start() {
  if (auto done = open_sockets(); !done) return done;
  if (auto done = open_tun(); !done) return done;
  if (auto done = add_peers(); !done) return done;
  for (std::uint16_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) continue;
    sockets[i]->start_receive([this, i](std::span<DatagramSlot> datagrams) { from_socket(i, datagrams); });
  }
  tun->start_receive([this](std::span<PacketSlot> packets) { from_tun(packets); });
  drain();
  return {};
}

Result<void> StaticTunnel::Impl::open_sockets() {
  for (const Endpoint& local : config.listen) {
    auto socket = host.open_udp({local});
    // "All addresses of both families" is asked of machines without IPv6 as well.
    const bool dispensable = local.address == IpAddress::any(IpFamily::v6) && !sockets.empty() && !socket &&
                             socket.error().code != ErrorCode::port_taken;
    if (!socket && !dispensable) return std::unexpected(socket.error());
    sockets.push_back(socket ? std::move(*socket) : nullptr);
  }
  return {};
}

Result<void> StaticTunnel::Impl::open_tun() {
  auto opened = host.open_tun(config.tun);
  if (!opened) return std::unexpected(opened.error());
  tun = std::move(*opened);
  if (!config.set_routes) return {};
  std::vector<Prefix> routes;
  for (const StaticPeer& peer : config.peers)
    routes.insert(routes.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
  return tun->set_routes(routes);
}

Result<void> StaticTunnel::Impl::add_peers() {
  for (const StaticPeer& peer : config.peers) {
    wireguard::PeerConfig added;
    added.public_key = peer.public_key;
    added.preshared_key = peer.preshared_key;
    added.allowed_ips = peer.allowed_ips;
    added.persistent_keepalive = peer.persistent_keepalive;
    added.roaming = true;
    if (peer.endpoint) {
      added.path = path_to(*peer.endpoint);
      if (!added.path) {
        return fail(ErrorCode::usage,
                    "no socket reaches " + peer.endpoint->to_string() + ": listen on an address of its family as well");
      }
    }
    const auto id = device->add_peer(now(), added);
    if (!id) return std::unexpected(id.error());
    keys[*id] = peer.public_key;
  }
  return {};
}

std::optional<PathId> StaticTunnel::Impl::path_to(const Endpoint& remote) const {
  for (std::uint16_t i = 0; i < sockets.size(); ++i) {
    if (sockets[i] && config.listen[i].address.family() == remote.address.family()) return PathId{i, 0, remote};
  }
  return std::nullopt;
}

void StaticTunnel::Impl::from_tun(std::span<PacketSlot> packets) {
  device->seal(now(), packets);
  for (const PacketSlot& packet : packets) {
    if (packet.verdict == PacketVerdict::ready) outgoing.add(sockets, packet.path, packet.ecn, packet.slot);
  }
  outgoing.flush(sockets);
  drain();
}

void StaticTunnel::Impl::from_socket(std::uint16_t socket, std::span<DatagramSlot> datagrams) {
  io::for_each_datagram(socket, datagrams, [this](const PacketSlot& datagram) {
    if (incoming.full()) open(incoming.take());
    incoming.add(datagram);
  });
  open(incoming.take());
  drain();
}

/// What came out goes to the TUN device in one run, in order.
void StaticTunnel::Impl::open(std::span<PacketSlot> slots) {
  device->open(now(), slots);
  std::size_t ready = 0;
  for (const PacketSlot& slot : slots) {
    if (slot.verdict == PacketVerdict::ready) slots[ready++] = slot;
  }
  if (ready > 0) tun->write(slots.first(ready));
}

void StaticTunnel::Impl::drain() {
  while (auto out = device->poll_transmit()) {
    const auto size = static_cast<std::uint32_t>(out->bytes.size());
    outgoing.add(sockets, out->path, Ecn::not_ect, {out->bytes.data(), size, 0, size});
    outgoing.flush(sockets);
  }
  while (const auto event = device->poll_event()) {
    const auto peer = std::visit([](const auto& happened) { return happened.peer; }, *event);
    if (tunnel.on_event) tunnel.on_event(keys.at(peer), *event);
  }
  const auto next = device->next_deadline();
  if (next == armed && next && *next > now()) return;
  armed = next;
  if (next) {
    timer->arm(*next);
  } else {
    timer->cancel();
  }
}

StaticTunnel::StaticTunnel(io::Host& host, StaticTunnelConfig config)
    : impl_(std::make_unique<Impl>(*this, host, std::move(config))) {}
StaticTunnel::~StaticTunnel() = default;

Result<void> StaticTunnel::start() { return impl_->start(); }

Endpoint StaticTunnel::local_endpoint(std::size_t n) const {
  WEFT_ASSERT(n < impl_->sockets.size() && impl_->sockets[n]);
  return impl_->sockets[n]->local_endpoint();
}

wireguard::PeerStats StaticTunnel::stats(const crypto::PublicKey& peer) const {
  return impl_->device->stats(impl_->device->find_peer(peer).value_or(0));
}

const wireguard::DeviceCounters& StaticTunnel::counters() const { return impl_->device->counters(); }

}  // namespace weft::tunnel

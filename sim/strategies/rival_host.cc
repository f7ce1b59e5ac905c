// SPDX-License-Identifier: GPL-2.0-only
#include "sim/strategies/rival_host.h"

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "mesh/io/udp_socket.h"
#include "mesh/path/probe.h"

namespace weft::strategies {
namespace {

/// The pair's key says who it is; the id is not looked at.
constexpr path::KeyId kAnyone = {'r', 'i', 'v', 'a', 'l'};
constexpr std::size_t kNoise = 64;
constexpr stun::Timing kStun{.rto = 250ms, .sends = 4, .last_wait = 2};

}  // namespace

RivalHost::RivalHost(io::Host& host, Config config, std::unique_ptr<Random> random)
    : host_(host),
      config_(std::move(config)),
      random_(std::move(random)),
      stun_(*random_, kStun),
      timer_(host.make_timer([this] { on_timer(); })) {}

RivalHost::~RivalHost() = default;

io::UdpSocket* RivalHost::socket(std::uint16_t number) {
  auto& socket = sockets_[number];
  if (socket) return socket.get();
  auto opened = host_.open_udp({.local = {IpAddress::any(IpFamily::v4), 0}});
  if (!opened) return nullptr;
  socket = std::move(*opened);
  socket->start_receive([this, number](std::span<DatagramSlot> slots) {
    for (const auto& [slot, meta] : slots) {
      if (!meta.icmp) on_datagram(number, meta.source, slot.bytes());
    }
    drain();
  });
  return socket.get();
}

void RivalHost::send(std::uint16_t number, const Endpoint& to, Bytes bytes) {
  io::UdpSocket* from = socket(number);
  if (from == nullptr) return;
  DatagramSlot item;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  item.slot = {bytes.data(), size, 0, size};
  item.meta.destination = to;
  item.meta.source.address = IpAddress::any(to.address.family());
  from->send({&item, 1});
}

void RivalHost::gather() {
  for (const Endpoint& server : config_.stun_servers) stun_.request(host_.clock().now(), server);
  drain();
}

void RivalHost::start(MakeRival make, bool first) {
  Ground ground{.first = first, .hosts = {}, .varies = varies()};
  if (io::UdpSocket* lasting = socket(0)) ground.local = lasting->local_endpoint();
  for (const IpAddress& address : config_.addresses) ground.hosts.push_back({address, ground.local.port});
  if (!mapped_.empty()) ground.reflexive = mapped_.begin()->second;
  rival_ = make(std::move(ground), *random_);
  rival_->start(host_.clock().now());
  drain();
}

void RivalHost::handle_signal(const Signal& signal) {
  rival_->handle_signal(host_.clock().now(), signal);
  drain();
}

bool RivalHost::gave_up() const { return rival_ && rival_->gave_up(host_.clock().now()); }

void RivalHost::on_datagram(std::uint16_t number, const Endpoint& from, ByteView datagram) {
  const Time now = host_.clock().now();
  if (stun_.handle_datagram(now, from, datagram)) return;
  const auto probe = path::open(datagram, config_.key);
  if (!probe) return;
  if (std::holds_alternative<path::Ping>(probe->message)) {
    send(number, from, path::seal({probe->transaction_id, path::Pong{from}}, config_.key, kAnyone, *random_));
    if (rival_ && !finished_) rival_->handle_ping(now, {number, from});
  } else if (asked_.contains(probe->transaction_id) && !direct_at_) {
    direct_at_ = now;
    finish();
    config_.on_direct();
  }
}

void RivalHost::on_timer() {
  const Time now = host_.clock().now();
  stun_.handle_timeout(now);
  if (rival_) rival_->handle_timeout(now);
  drain();
}

/// Sends what is due; nothing but answers once we are direct.
void RivalHost::drain() {
  const Time now = host_.clock().now();
  while (auto request = stun_.poll_transmit()) send(0, request->destination, std::move(request->bytes));
  while (const auto event = stun_.poll_event()) {
    const auto* answer = std::get_if<stun::Reflexive>(&*event);
    if (answer == nullptr) continue;
    mapped_[answer->server] = answer->mapped;
    ports_seen_.insert(answer->mapped);
  }
  auto deadline = stun_.next_deadline();
  if (rival_ && !finished_) {
    while (const auto signal = rival_->poll_signal()) config_.send_signal(*signal);
    while (const auto shot = rival_->poll_transmit(now)) {
      const std::uint64_t id = random_->next();
      if (shot->noise) {
        send(shot->socket, shot->to, Bytes(kNoise, static_cast<std::uint8_t>(id)));
        continue;
      }
      asked_.insert(id);
      ++probes_;
      send(shot->socket, shot->to, path::seal({id, path::Ping{}}, config_.key, kAnyone, *random_));
    }
    deadline = earlier(deadline, rival_->next_deadline());
  }
  if (deadline && (*deadline > now || !gave_up())) timer_->arm(*deadline);
}

}  // namespace weft::strategies

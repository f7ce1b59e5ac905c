// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/client_streams.h"

#include "mesh/base/deadlines.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/relay_server/udp_sockets.h"

namespace weft::relay_server {

ClientStreams::ClientStreams(io::Host& host, relay::ServerConfig config, UdpSockets& sockets)
    : host_(host),
      hub_(std::move(config), host.entropy()),
      sockets_(sockets),
      timer_(host.make_timer([this] { handle_timer(); })),
      drain_timer_(host.make_timer([this] { handle_drain(); })) {}

ClientStreams::~ClientStreams() = default;

void ClientStreams::accept(std::unique_ptr<io::Stream> stream) {
  const relay::SessionId id = hub_.open(host_.clock().now(), stream->remote_endpoint().address);
  Connection& connection = connections_[id];
  connection.stream = std::move(stream);
  connection.stream->start({.on_connected = {},
                            .on_data = [this, id](ByteView bytes) { handle_data(id, bytes); },
                            .on_writable = [this, id] { handle_writable(id); },
                            .on_closed = [this, id](const Error&) { handle_closed(id); }});
  work();
}

void ClientStreams::handle_datagrams(std::uint16_t socket, std::span<const DatagramSlot> slots) {
  const auto forwards = hub_.forward(socket, slots);
  for (std::size_t out = 0; out < forwards.size(); ++out) {
    if (!forwards[out].empty()) sockets_.send(static_cast<std::uint16_t>(out), forwards[out]);
  }
  work();
}

void ClientStreams::revoke(const crypto::PublicKey& node, WallTime until) {
  hub_.revoke(node, until, host_.clock().wall_now() + wall_offset_);
  work();
}

void ClientStreams::handle_data(relay::SessionId id, ByteView bytes) {
  hub_.handle_data(host_.clock().now(), host_.clock().wall_now() + wall_offset_, id, bytes);
  work();
}

void ClientStreams::handle_writable(relay::SessionId id) {
  const auto at = connections_.find(id);
  if (at != connections_.end()) pump(id, at->second);
  work();
}

void ClientStreams::handle_closed(relay::SessionId id) {
  hub_.remove(id);
  connections_.erase(id);
  work();
}

void ClientStreams::handle_timer() {
  const Time now = host_.clock().now();
  armed_.reset();
  for (; !lingering_.empty() && lingering_.front().first <= now; lingering_.pop_front()) {
    connections_.erase(lingering_.front().second);
  }
  hub_.handle_timeout(now);
  work();
}

/// Does what the hub wants done. Streams call back from the event loop only, so nothing changes under this loop.
void ClientStreams::work() {
  while (const auto id = hub_.poll_work()) {
    const auto at = connections_.find(*id);
    if (at == connections_.end()) continue;
    pump(*id, at->second);
    if (hub_.closed(*id)) end(*id, at->second);
  }
  while (auto datagram = hub_.poll_datagram()) {
    sockets_.send(datagram->to.socket, datagram->to.remote, datagram->to.local, datagram->bytes);
  }
  while (auto dial = hub_.poll_dial()) sockets_.send_from_fresh(dial->to, dial->bytes);
  arm();
}

void ClientStreams::handle_drain() {
  for (const relay::SessionId id : std::exchange(waiting_, {})) {
    const auto at = connections_.find(id);
    if (at != connections_.end()) pump(id, at->second);
  }
}

/// Writes as much as the stream has room for; if it has none any more, looks again soon.
void ClientStreams::pump(relay::SessionId id, Connection& connection) {
  if (connection.ending) return;
  while (connection.stream->queued() < relay::kStreamLowWater) {
    if (!write(id, connection)) return;
  }
  if (waiting_.empty()) drain_timer_->arm(host_.clock().now() + kDrainInterval);
  waiting_.insert(id);
}

/// One piece; false if there is none, or the stream took less than it was given and on_writable will follow.
bool ClientStreams::write(relay::SessionId id, Connection& connection) {
  if (connection.unwritten.empty()) {
    auto bytes = hub_.poll_write(id);
    if (!bytes) return false;
    connection.unwritten = std::move(*bytes);
  }
  const std::size_t taken = connection.stream->write(connection.unwritten);
  connection.unwritten.erase(connection.unwritten.begin(),
                             connection.unwritten.begin() + static_cast<std::ptrdiff_t>(taken));
  return connection.unwritten.empty();
}

/// The hub is through with this client: what the stream has taken still goes out, within kLinger.
void ClientStreams::end(relay::SessionId id, Connection& connection) {
  if (connection.ending) return;
  connection.ending = true;
  connection.stream->close();
  hub_.remove(id);
  lingering_.emplace_back(host_.clock().now() + kLinger, id);
}

void ClientStreams::arm() {
  const auto next =
      earlier(hub_.next_deadline(), lingering_.empty() ? std::nullopt : std::optional(lingering_.front().first));
  if (next == armed_) return;
  armed_ = next;
  if (next) {
    timer_->arm(*next);
  } else {
    timer_->cancel();
  }
}

}  // namespace weft::relay_server

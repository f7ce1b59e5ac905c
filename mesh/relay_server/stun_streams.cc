// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay_server/stun_streams.h"

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/stun/message.h"

namespace weft::relay_server {
namespace {

/// A Binding request has a tenth of it.
constexpr std::size_t kMaxMessage = 1500;
constexpr Duration kReapInterval = 30s;

}  // namespace

StunStreams::StunStreams(io::Host& host) : host_(host), timer_(host.make_timer([this] { reap(); })) {}
StunStreams::~StunStreams() = default;

Result<void> StunStreams::listen(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    auto listener = host_.listen(endpoint, [this](std::unique_ptr<io::Stream> stream) { accept(std::move(stream)); });
    if (!listener) return std::unexpected(listener.error());
    listeners_.push_back(std::move(*listener));
  }
  return {};
}

void StunStreams::accept(std::unique_ptr<io::Stream> stream) {
  if (clients_.size() >= kMaxStreams) return;  // destroys the stream
  Client& client = clients_.emplace_back();
  client.stream = std::move(stream);
  client.last_heard = host_.clock().now();
  client.stream->start({.on_connected = {},
                        .on_data = [this, &client](ByteView bytes) { receive(client, bytes); },
                        .on_writable = {},
                        .on_closed = [this, &client](const Error&) { end(client); }});
  if (clients_.size() == 1) timer_->arm(host_.clock().now() + kReapInterval);
}

void StunStreams::receive(Client& client, ByteView bytes) {
  if (client.over) return;
  client.last_heard = host_.clock().now();
  client.waiting.insert(client.waiting.end(), bytes.begin(), bytes.end());
  while (client.waiting.size() >= stun::kHeaderSize) {
    const std::size_t size = stun::kHeaderSize + load_u16be(&client.waiting[2]);
    if (!stun::looks_like_stun(client.waiting) || size > kMaxMessage) return end(client);
    if (client.waiting.size() < size) return;
    const auto answer = server_.handle_datagram(host_.clock().now(), client.stream->remote_endpoint(),
                                                client.stream->local_endpoint(), ByteView(client.waiting).first(size));
    client.waiting.erase(client.waiting.begin(), client.waiting.begin() + static_cast<std::ptrdiff_t>(size));
    if (answer && client.stream->write(answer->bytes) < answer->bytes.size()) return end(client);  // it does not read
  }
}

/// The stream may be the caller, so it goes on a later turn.
void StunStreams::end(Client& client) {
  client.over = true;
  timer_->arm(host_.clock().now());
}

void StunStreams::reap() {
  const Time now = host_.clock().now();
  clients_.remove_if([&](const Client& client) { return client.over || now - client.last_heard >= kIdle; });
  if (!clients_.empty()) timer_->arm(now + kReapInterval);
}

}  // namespace weft::relay_server

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/stream_paths.h"

#include <algorithm>
#include <array>

#include "mesh/agent/interfaces.h"
#include "mesh/base/deadlines.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/stream.h"
#include "mesh/stun/message.h"

namespace weft::agent {
namespace {

constexpr std::size_t kLengthSize = 2;
/// Over a stream nothing is repeated: it answers, or the stream is dead.
constexpr stun::Timing kOnce{.rto = 10s, .sends = 1, .last_wait = 1};
constexpr Duration kAskAgain = 30s;

}  // namespace

StreamPaths::StreamPaths(io::Host& host, Random& random, Handlers handlers)
    : host_(host), random_(random), handlers_(std::move(handlers)), timer_(host, [this] { tick(); }) {}
StreamPaths::~StreamPaths() = default;

Time StreamPaths::now() const { return host_.clock().now(); }

void StreamPaths::set_servers(const std::vector<Endpoint>& servers) {
  if (servers == servers_) return;
  servers_ = servers;
  if (wanted_ && !server_) ask();
}

void StreamPaths::want() {
  if (std::exchange(wanted_, true)) return;
  ask();
}

/// Null: no such address, or a system without shared ports, which has no TCP paths.
io::StreamPort* StreamPaths::open_port(IpFamily family) {
  auto& held = family == IpFamily::v4 ? port_v4_ : port_v6_;
  if (held) return held.get();
  if (!has_family(host_, family)) return nullptr;
  auto port = host_.open_stream_port({IpAddress::any(family), 0},
                                     [this](std::unique_ptr<io::Stream> stream) { accept(std::move(stream)); });
  if (!port) return nullptr;
  held = std::move(*port);
  if (family == IpFamily::v4 && handlers_.on_port) handlers_.on_port(held->local_endpoint().port);
  return held.get();
}

/// Where our port is seen from. The stream stays open: a NAT keeps the mapping as long as a connection has it.
void StreamPaths::ask() {
  ask_at_.reset();
  old_server_ = std::move(server_);  // it may be the caller
  server_waiting_.clear();
  const auto server = std::ranges::find_if(servers_, [](const Endpoint& one) { return one.address.is_v4(); });
  open_port(IpFamily::v6);
  io::StreamPort* const port = open_port(IpFamily::v4);
  rebuild(reflexive_);
  if (server == servers_.end() || port == nullptr) return;
  client_ = std::make_unique<stun::Client>(random_, kOnce);
  server_ = port->connect(*server);
  server_->start({.on_connected =
                      [this, to = *server] {
                        client_->request(now(), to);
                        while (const auto request = client_->poll_transmit()) server_->write(request->bytes);
                      },
                  .on_data = [this](ByteView bytes) { heard_server(bytes); },
                  .on_writable = {},
                  .on_closed =
                      [this](const Error&) {
                        old_server_ = std::move(server_);
                        ask_at_ = now() + kAskAgain;
                        arm();
                      }});
}

void StreamPaths::heard_server(ByteView bytes) {
  server_waiting_.insert(server_waiting_.end(), bytes.begin(), bytes.end());
  if (server_waiting_.size() < stun::kHeaderSize) return;
  const std::size_t size = stun::kHeaderSize + load_u16be(&server_waiting_[2]);
  if (server_waiting_.size() < size) return;
  client_->handle_datagram(now(), server_->remote_endpoint(), ByteView(server_waiting_).first(size));
  server_waiting_.clear();
  while (const auto event = client_->poll_event()) {
    if (const auto* told = std::get_if<stun::Reflexive>(&*event)) rebuild(told->mapped);
  }
}

void StreamPaths::rebuild(std::optional<Endpoint> reflexive) {
  reflexive_ = reflexive;
  std::vector<path::Candidate> fresh;
  for (const auto& interface : host_.network().interfaces()) {
    if (!interface.up || !interface.has_default_route) continue;
    for (const auto& prefix : interface.addresses) {
      const auto& port = prefix.address.is_v4() ? port_v4_ : port_v6_;
      if (!port || prefix.address.is_link_local()) continue;
      fresh.push_back({path::CandidateKind::tcp_host, {prefix.address, port->local_endpoint().port}});
    }
  }
  if (reflexive_) fresh.push_back({path::CandidateKind::tcp_server_reflexive, *reflexive_});
  // A gateway whose outside is not where the relay sees us has another NAT before it, which knows of no mapping.
  if (mapped_ && mapped_ != reflexive_ && reflexive_ && mapped_->address == reflexive_->address)
    fresh.push_back({path::CandidateKind::tcp_server_reflexive, *mapped_});
  if (fresh == candidates_) return;
  candidates_ = std::move(fresh);
  handlers_.on_candidates();
}

void StreamPaths::set_mapped(std::optional<Endpoint> external) {
  mapped_ = external;
  if (wanted_) rebuild(reflexive_);
}

void StreamPaths::network_changed() {
  if (!wanted_) return;
  for (const auto& [remote, dial] : dials_) {
    if (dial.link) links_.erase(*dial.link);
  }
  dials_.clear();
  reflexive_.reset();
  ask();
}

void StreamPaths::dial(const Endpoint& remote) {
  if (open_port(remote.address.family()) == nullptr) return;
  const bool there = std::ranges::any_of(
      links_, [&](const auto& entry) { return entry.second.open && entry.second.remote == remote; });
  if (there) return;
  Dial& dial = dials_[remote];
  dial.until = now() + kDialFor;
  if (!dial.link && !dial.again) attempt(remote, dial);
  arm();
}

void StreamPaths::attempt(const Endpoint& remote, Dial& dial) {
  dial.again.reset();
  if (links_.size() >= kMaxStreams) return;
  const auto& port = remote.address.is_v4() ? port_v4_ : port_v6_;
  dial.link = add(port->connect(remote), remote);
}

void StreamPaths::accept(std::unique_ptr<io::Stream> stream) {
  if (links_.size() >= kMaxStreams) return;  // destroys the stream
  const Endpoint remote = stream->remote_endpoint();
  links_.at(add(std::move(stream), remote)).open = true;
  arm();
}

std::uint16_t StreamPaths::add(std::unique_ptr<io::Stream> stream, const Endpoint& remote) {
  do {
    next_ = static_cast<std::uint16_t>(path::kFirstStream | (next_ + 1));
  } while (links_.contains(next_));
  const std::uint16_t number = next_;
  Link& link = links_[number];
  link.stream = std::move(stream);
  link.remote = remote;
  link.prove_by = now() + kProve;
  link.stream->start({.on_connected = [this, number] { opened(number); },
                      .on_data = [this, number](ByteView bytes) { receive(number, bytes); },
                      .on_writable = {},
                      .on_closed = [this, number](const Error&) { closed(number); }});
  return number;
}

void StreamPaths::opened(std::uint16_t number) {
  Link& link = links_.at(number);
  link.open = true;
  dials_.erase(link.remote);
  handlers_.on_open({.socket = number, .relay = 0, .remote = link.remote});
}

void StreamPaths::receive(std::uint16_t number, ByteView bytes) {
  auto found = links_.find(number);
  if (found == links_.end()) return;
  Bytes waiting = std::exchange(found->second.waiting, {});
  waiting.insert(waiting.end(), bytes.begin(), bytes.end());
  const PathId from{.socket = number, .relay = 0, .remote = found->second.remote};
  std::size_t at = 0;
  while (waiting.size() - at >= kLengthSize) {
    const std::size_t length = load_u16be(&waiting[at]);
    if (waiting.size() - at < kLengthSize + length) break;
    handlers_.on_datagram(from, ByteView(waiting).subspan(at + kLengthSize, length));
    at += kLengthSize + length;
  }
  found = links_.find(number);
  if (found == links_.end()) return;
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(at));
  found->second.waiting = std::move(waiting);
}

void StreamPaths::closed(std::uint16_t number) {
  const auto found = links_.find(number);
  if (found == links_.end() || !found->second.stream) return;
  found->second.stream.reset();
  const bool was_open = std::exchange(found->second.open, false);
  for (auto& [remote, dial] : dials_) {
    if (dial.link != number) continue;
    dial.link.reset();
    dial.again = now() + kRedial;
  }
  arm();
  if (was_open) handlers_.on_closed(number);
}

void StreamPaths::proved(std::uint16_t number) {
  if (const auto found = links_.find(number); found != links_.end()) found->second.prove_by.reset();
}

bool StreamPaths::send(std::uint16_t number, ByteView datagram) {
  const auto found = links_.find(number);
  if (found == links_.end() || !found->second.open) return false;
  io::Stream& stream = *found->second.stream;
  const std::size_t length = datagram.size();
  if (length > 0xFFFF || stream.queued() + kLengthSize + length > kMaxQueued) return false;
  Bytes frame(kLengthSize);
  store_u16be(frame.data(), static_cast<std::uint16_t>(length));
  frame.insert(frame.end(), datagram.begin(), datagram.end());
  return stream.write(frame) == frame.size();
}

void StreamPaths::tick() {
  old_server_.reset();
  std::vector<std::uint16_t> gone;
  for (const auto& [number, link] : links_) {
    if (link.stream && link.prove_by && *link.prove_by <= now()) gone.push_back(number);
  }
  for (const auto number : gone) closed(number);
  std::erase_if(links_, [](const auto& entry) { return !entry.second.stream; });
  if (ask_at_ && *ask_at_ <= now()) ask();
  for (auto it = dials_.begin(); it != dials_.end();) {
    auto& [remote, dial] = *it;
    if (dial.until <= now()) {
      if (dial.link) links_.erase(*dial.link);
      it = dials_.erase(it);
      continue;
    }
    if (dial.again && *dial.again <= now()) attempt(remote, dial);
    ++it;
  }
  arm();
}

void StreamPaths::arm() {
  std::optional<Time> next = ask_at_;
  for (const auto& [number, link] : links_) next = earlier(next, link.stream ? link.prove_by : now());
  for (const auto& [remote, dial] : dials_) next = earlier(earlier(next, dial.until), dial.again);
  if (old_server_) next = now();
  timer_.arm(next);
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/relay_link.h"

#include <algorithm>
#include <array>

#include "mesh/agent/interfaces.h"
#include "mesh/agent/lazy_tls.h"
#include "mesh/io/clock.h"
#include "mesh/io/stream_writer.h"
#include "mesh/transport/dial.h"

namespace weft::agent {
namespace {

constexpr control::Backoff::Range kRedial{.first = 500ms, .longest = 30s};
/// A relay that carried something within kInUse is dialled this often, so that what it carries is back within 3 s of
/// its return however long it was away.
constexpr Duration kRedialInUse = 2s;
constexpr Duration kInUse = 60s;

}  // namespace

RelayLink::RelayLink(RelayLinkContext& context, control::RelayRecord record)
    : context_(context),
      record_(std::move(record)),
      backoff_(context.random, kRedial),
      last_used_(now()),
      timer_(context.host,
             [this] {
               if (session_) session_->handle_timeout(now());
               drain();
             }),
      dial_timer_(context.host, [this] { dial(); }) {
  dial();
}

RelayLink::~RelayLink() = default;

Time RelayLink::now() const { return context_.host.clock().now(); }

void RelayLink::use() { last_used_ = now(); }

void RelayLink::dial() {
  if (stream_ || record_.stream_endpoints.empty()) return;
  const Endpoint remote = record_.stream_endpoints[next_endpoint_++ % record_.stream_endpoints.size()];
  transport::DialOptions options{.remote = remote, .host_name = {}, .path = "/relay", .protocol = "weft-relay/1"};
  options.tls = record_.tls;
  options.expected_key = record_.key;
  options.proxy = context_.proxy;
  stream_ = transport::dial(context_.host, context_.tls.get(record_.tls), std::move(options));
  stream_->start({.on_connected = [this] { on_connected(); },
                  .on_data =
                      [this](ByteView bytes) {
                        if (session_) session_->handle_data(now(), bytes);
                        drain();
                      },
                  .on_writable = [this] { drain(); },
                  .on_closed = [this](const Error&) { on_closed(); }});
}

void RelayLink::on_connected() {
  relay::ClientConfig config{.node_key = context_.node_key, .admission = context_.admission, .relay_key = record_.key};
  config.udp_endpoints = record_.stun_endpoints;
  session_ = std::make_unique<relay::ClientSession>(std::move(config), context_.random);
  session_->start(now());
  drain();
}

void RelayLink::on_closed() {
  stream_.reset();
  session_.reset();
  unsent_.clear();
  rtt_.reset();
  told_udp_ = false;
  timer_.arm(std::nullopt);
  const Duration wait = backoff_.next();
  dial_timer_.arm(now() + (now() - last_used_ < kInUse ? std::min(wait, kRedialInUse) : wait));
  if (std::exchange(told_ready_, false)) context_.on_state(record_.id);
}

bool RelayLink::send(const crypto::PublicKey& to, ByteView datagram, bool sized) {
  use();
  if (!ready()) {
    if (waiting_.size() == kMaxWaiting) waiting_.pop_front();
    waiting_.push_back({to, to_bytes(datagram)});
    return true;
  }
  bool taken = datagram.size() <= relay::kMaxDatagram;
  const bool handshake = relay::is_handshake(datagram);
  if (const auto route = taken && !handshake ? session_->udp_route(now(), to) : std::nullopt) {
    std::array<std::uint8_t, relay::kUdpDataHeader> head;
    relay::write_data_header(head.data(), route->channel);
    context_.send_udp(route->relay, head, datagram);
  } else if (handshake || !sized || !udp()) {  // the stream carries any size, which says nothing about UDP
    taken = session_->send(now(), to, datagram);
  }
  drain();
  return taken;
}

std::vector<Bytes> RelayLink::take_waiting(const crypto::PublicKey& to) {
  std::vector<Bytes> taken;
  for (auto& each : waiting_) {
    if (each.to == to) taken.push_back(std::move(each.datagram));
  }
  erase_if(waiting_, [&](const Waiting& each) { return each.to == to; });
  return taken;
}

std::optional<relay::UdpReceived> RelayLink::handle_udp(const Endpoint& from, ByteView datagram) {
  if (!session_) return std::nullopt;
  const auto received = session_->handle_udp(now(), from, datagram);
  if (received) use();
  drain();
  return received;
}

bool RelayLink::dial_back(const relay::DialRequest& request) {
  const bool asked = session_ && session_->dial_back(request);
  drain();
  return asked;
}

void RelayLink::renew_admission() {
  if (session_) {
    session_->renew(context_.admission);
    drain();
  } else if (!stream_) {
    redial();
  }
}

void RelayLink::redial() {
  if (stream_) on_closed();
  backoff_.reset();
  dial_timer_.arm(std::nullopt);
  dial();
}

void RelayLink::network_changed() {
  if (!stream_ || !owns_address(context_.host, stream_->local_endpoint().address)) return redial();
  doubt();
}

void RelayLink::doubt() {
  if (!ready()) return;
  session_->check(now());
  drain();
}

void RelayLink::drain() {
  if (!session_) return;
  while (auto event = session_->poll_event()) {
    handle(*event);
    if (!session_) return;
  }
  while (const auto datagram = session_->poll_datagram()) context_.send_udp(datagram->to, datagram->bytes, {});
  flush();
  timer_.arm(session_->next_deadline());
  if (std::exchange(told_udp_, udp()) != udp()) context_.on_transport();
}

/// What the stream does not take waits for on_writable, and the session's bounded queue decides what is dropped.
void RelayLink::flush() {
  io::write_all(*stream_, unsent_, [this] { return session_->poll_write(); });
}

void RelayLink::handle(const relay::ClientEvent& event) {
  if (const auto* ready = std::get_if<relay::Ready>(&event)) {
    rtt_ = ready->rtt;
    backoff_.reset();
    for (auto& waiting : std::exchange(waiting_, {})) session_->send(now(), waiting.to, waiting.datagram);
    told_ready_ = true;
    context_.on_state(record_.id);
  } else if (const auto* received = std::get_if<relay::Received>(&event)) {
    use();
    context_.on_datagram(record_.id, received->from, received->datagram);
  } else if (const auto* absent = std::get_if<relay::PeerAbsent>(&event)) {
    context_.on_absent(record_.id, absent->key);
  } else if (const auto* pong = std::get_if<relay::Pong>(&event)) {
    rtt_ = pong->rtt;
  } else if (const auto* dialled = std::get_if<relay::Dialled>(&event)) {
    context_.on_dialled(*dialled);
  } else if (std::holds_alternative<relay::Overdue>(event) || std::holds_alternative<relay::HeardAgain>(event)) {
    context_.on_state(record_.id);
  } else {
    on_closed();
  }
}

}  // namespace weft::agent

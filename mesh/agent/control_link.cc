// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/control_link.h"

#include "mesh/agent/interfaces.h"
#include "mesh/agent/lazy_tls.h"
#include "mesh/io/clock.h"
#include "mesh/io/stream.h"
#include "mesh/transport/dial.h"

namespace weft::agent {

using Session = control::ClientSession;

ControlLink::ControlLink(io::Host& host, LazyTls& tls, const http::ProxySettings* proxy, Random& random,
                         control::Token token, control::ClientConfig config, Handler handler)
    : host_(host),
      tls_(tls),
      proxy_(proxy),
      token_(std::move(token)),
      handler_(std::move(handler)),
      session_(std::make_unique<Session>(std::move(config), random, host.entropy())),
      timer_(host, [this] {
        session_->handle_timeout(now());
        drain();
      }) {}

ControlLink::~ControlLink() = default;

Time ControlLink::now() const { return host_.clock().now(); }

void ControlLink::start() {
  session_->start(now());
  drain();
}

void ControlLink::network_changed() {
  if (stream_ && owns_address(host_, stream_->local_endpoint().address)) return;
  if (stream_) {
    close();
    session_->handle_closed(now(), {ErrorCode::unreachable, "the network has changed"});
  }
  session_->start(now());
  drain();
}

void ControlLink::publish(std::vector<control::CandidateRecord> candidates, control::NatFacts facts,
                          std::uint16_t home_relay) {
  session_->publish(now(), std::move(candidates), std::move(facts), home_relay);
  drain();
}

bool ControlLink::signal(std::uint64_t peer, ByteView datagram) {
  const bool taken = session_->signal(peer, datagram);
  flush();
  return taken;
}

void ControlLink::dial() {
  close();
  transport::DialOptions options{.remote = token_.endpoints[next_endpoint_++ % token_.endpoints.size()],
                                 .host_name = {},
                                 .path = "/control",
                                 .protocol = "weft-control/1"};
  options.tls = token_.tls;
  options.proxy = proxy_;
  stream_ = transport::dial(host_, tls_.get(token_.tls), std::move(options));
  stream_->start({.on_connected =
                      [this] {
                        session_->handle_connected(now());
                        drain();
                      },
                  .on_data =
                      [this](ByteView bytes) {
                        session_->handle_data(now(), bytes);
                        drain();
                      },
                  .on_writable = [this] { drain(); },
                  .on_closed =
                      [this](const Error& error) {
                        close();
                        session_->handle_closed(now(), error);
                        drain();
                      }});
}

void ControlLink::close() {
  stream_.reset();
  unsent_.clear();
}

void ControlLink::drain() {
  flush();
  while (auto event = session_->poll_event()) handle(*event);
  flush();
  timer_.arm(session_->next_deadline());
}

void ControlLink::flush() {
  while (stream_) {
    if (unsent_.empty()) {
      auto bytes = session_->poll_write();
      if (!bytes) return;
      unsent_ = std::move(*bytes);
    }
    const std::size_t taken = stream_->write(unsent_);
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!unsent_.empty()) return;
  }
}

void ControlLink::handle(const Session::Event& event) {
  if (std::holds_alternative<Session::Dial>(event)) return dial();
  if (std::holds_alternative<Session::Registered>(event)) error_.clear();
  if (const auto* failed = std::get_if<Session::Failed>(&event)) {
    error_ = failed->error.message;
    close();
  }
  if (const auto* refused = std::get_if<Session::Refused>(&event)) {
    error_ = refused->error.message;
    close();
  }
  handler_(event);
}

}  // namespace weft::agent

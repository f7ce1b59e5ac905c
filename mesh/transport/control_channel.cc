// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/control_channel.h"

#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream_writer.h"
#include "mesh/io/timer.h"
#include "mesh/transport/dial.h"

namespace weft::transport {

using Session = control::ClientSession;

ControlChannel::ControlChannel(io::Host& host, Random& random, ControlRoute route, control::ClientConfig config,
                               Handler handler)
    : host_(host),
      route_(std::move(route)),
      handler_(std::move(handler)),
      session_(std::make_unique<Session>(std::move(config), random, host.entropy())),
      timer_(host.make_timer([this] {
        session_->handle_timeout(now());
        drain();
      })) {}

ControlChannel::~ControlChannel() = default;

Time ControlChannel::now() const { return host_.clock().now(); }

void ControlChannel::start() {
  session_->start(now());
  drain();
}

void ControlChannel::network_changed(const std::function<bool(const IpAddress&)>& usable) {
  if (stream_ && usable(stream_->local_endpoint().address)) return;
  if (stream_) {
    close();
    session_->handle_closed(now(), {ErrorCode::unreachable, "the network has changed"});
  }
  start();
}

void ControlChannel::publish(std::vector<control::CandidateRecord> candidates, control::NatFacts facts,
                             std::uint16_t home_relay, bool carries) {
  session_->publish(now(), std::move(candidates), std::move(facts), home_relay, carries);
  drain();
}

bool ControlChannel::signal(std::uint64_t peer, ByteView datagram) {
  const bool taken = session_->signal(peer, datagram);
  flush();
  return taken;
}

void ControlChannel::dial() {
  close();
  const control::Token& token = route_.token;
  DialOptions options{.remote = token.endpoints[next_endpoint_++ % token.endpoints.size()],
                      .host_name = {},
                      .path = "/control",
                      .protocol = "weft-control/1"};
  options.tls = token.tls;
  options.proxy = route_.proxy;
  stream_ = transport::dial(host_, token.tls ? route_.tls() : nullptr, std::move(options));
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

void ControlChannel::close() {
  stream_.reset();
  unsent_.clear();
}

void ControlChannel::drain() {
  flush();
  while (const auto event = session_->poll_event()) handle(*event);
  flush();
  if (const auto next = session_->next_deadline()) {
    timer_->arm(*next);
  } else {
    timer_->cancel();
  }
}

void ControlChannel::flush() {
  if (stream_) io::write_all(*stream_, unsent_, [this] { return session_->poll_write(); });
}

void ControlChannel::handle(const Session::Event& event) {
  if (std::holds_alternative<Session::Dial>(event)) return dial();
  if (std::holds_alternative<Session::Registered>(event)) error_.reset();
  if (const auto* failed = std::get_if<Session::Failed>(&event)) {
    error_ = failed->error;
    close();
  }
  if (const auto* refused = std::get_if<Session::Refused>(&event)) {
    error_ = refused->error;
    close();
  }
  handler_(event);
}

}  // namespace weft::transport

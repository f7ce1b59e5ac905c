// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/mapped_port.h"

#include "mesh/io/clock.h"

namespace weft::agent {
namespace {

bool granted(portmap::MappingState state) {
  return state == portmap::MappingState::mapped || state == portmap::MappingState::verified;
}

}  // namespace

MappedPort::MappedPort(io::Host& host, std::uint16_t port, std::function<bool(const relay::DialRequest&)> dial,
                       std::function<void()> on_change)
    : host_(host),
      dial_(std::move(dial)),
      on_change_(std::move(on_change)),
      wish_{portmap::Protocol::udp, port},
      random_(host.rng("agent.mapped_port")),
      reachability_(*random_),
      timer_(host, [this] {
        reachability_.handle_timeout(now());
        drain();
      }) {}

MappedPort::~MappedPort() {
  if (mapping_) mapping_->on_change = {};
}

void MappedPort::withdraw() {
  timer_.arm(std::nullopt);
  dial_ = {};
  on_change_ = {};
  on_stream_change_ = {};
  if (!mapping_) return;
  mapping_->on_change = {};
  mapping_->remove_all();
}

Time MappedPort::now() const { return host_.clock().now(); }

void MappedPort::want() {
  if (mapping_) return;
  mapping_ = std::make_unique<PortMapping>(host_);
  mapping_->on_change = [this](const portmap::MappingReport& report) {
    report.wish == wish_ ? handle_report(report) : handle_stream_report(report);
  };
  mapping_->add(wish_);
  if (stream_wish_) mapping_->add(*stream_wish_);
  mapping_->handle_network_change();
}

void MappedPort::want_stream(std::uint16_t port, std::function<void(std::optional<Endpoint>)> on_change) {
  stream_wish_ = portmap::Wish{portmap::Protocol::tcp, port};
  on_stream_change_ = std::move(on_change);
  if (mapping_) mapping_->add(*stream_wish_);
}

void MappedPort::handle_stream_report(const portmap::MappingReport& report) {
  on_stream_change_(granted(report.state) ? report.external : std::nullopt);
}

/// The same router asks for nothing new; another one forgets what was known. A trial tells which it is.
void MappedPort::network_changed() {
  if (!mapping_) return;
  mapping_->handle_network_change();
  reachability_.check(now());
  drain();
}

void MappedPort::set_helper(bool available) {
  reachability_.set_helper(now(), available);
  drain();
}

void MappedPort::handle_dialled(const relay::Dialled& dialled) {
  reachability_.handle_answer(now(), dialled.token, dialled.outcome == relay::DialOutcome::sent, dialled.seen);
  drain();
}

void MappedPort::handle_arrival(const relay::DialToken& token) {
  reachability_.handle_arrival(now(), token);
  drain();
}

void MappedPort::handle_report(const portmap::MappingReport& report) {
  const bool moved = report.external != view_.report.external;
  view_.report = report;
  if (report.state == portmap::MappingState::idle) failed_ = second_nat_ = false;
  if (moved) reached_.reset();
  reachability_.set_port(now(), granted(report.state) ? std::optional(report.external->port) : std::nullopt);
  rebuild();
  timer_.arm(now());  // the mapper is in the middle of a call
}

void MappedPort::handle_found(const portmap::ReachabilityFound& found) {
  const auto external = view_.report.external;
  view_.seen = found.seen;
  view_.tried = now();
  if (!external || !granted(view_.report.state)) return;
  failed_ = !found.reachable;
  second_nat_ = failed_ && found.seen && external->address != *found.seen;
  if (found.reachable) {
    // The gateway may be wrong about its address, or sit behind another NAT that lets everything in.
    reached_ = Endpoint{found.seen.value_or(external->address), external->port};
    mapping_->handle_verified(*external);
  } else {
    mapping_->handle_unreachable(*external);
  }
  rebuild();
}

void MappedPort::rebuild() {
  using State = portmap::MappingState;
  const auto before = view_.state;
  const auto endpoint = view_.endpoint;
  const State state = view_.report.state;
  view_.endpoint = granted(state) ? reached_ : std::nullopt;
  if (view_.endpoint) {
    view_.state = path::PortMapping::verified;
  } else if (failed_) {
    view_.state = second_nat_ ? path::PortMapping::second_nat : path::PortMapping::dead;
  } else if (granted(state)) {
    view_.state = path::PortMapping::mapped;
  } else if (state == State::unavailable) {
    view_.state = path::PortMapping::none;
  } else {
    view_.state = path::PortMapping::unknown;
  }
  if (view_.state != before || view_.endpoint != endpoint) on_change_();
}

void MappedPort::drain() {
  while (const auto found = reachability_.poll_event()) handle_found(*found);
  while (const auto wanted = reachability_.poll_request()) {
    if (!dial_({wanted->token, wanted->port})) reachability_.handle_answer(now(), wanted->token, false, std::nullopt);
  }
  timer_.arm(reachability_.next_deadline());
}

}  // namespace weft::agent

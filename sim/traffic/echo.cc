// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/echo.h"

#include "mesh/io/clock.h"
#include "mesh/io/timer.h"
#include "sim/fabric/fabric_host.h"
#include "sim/traffic/canary.h"
#include "sim/traffic/inner_packet.h"

namespace weft::traffic {

Echo::Echo(fabric::FabricHost& host, EchoOptions options)
    : host_(host), options_(options), port_(host, [this](ByteView packet) { on_packet(packet); }) {
  timer_ = host_.make_timer([this] { send_next(); });
  timer_->arm(options_.start);
}

Echo::~Echo() = default;

void Echo::send_next() {
  const Time now = host_.clock().now();
  const std::uint64_t number = samples_.size();
  const EchoMessage message{.source = port_.address(options_.destination.family()),
                            .destination = options_.destination,
                            .identifier = static_cast<std::uint16_t>(options_.flow),
                            .sequence = static_cast<std::uint16_t>(number)};
  samples_.push_back({.sent = now});
  samples_.back().accepted = port_.send(make_echo(message, make_payload(options_.flow, number, options_.payload)));
  if (samples_.size() < options_.count) timer_->arm(now + options_.interval);
}

void Echo::on_packet(ByteView packet) {
  const auto echo = parse_echo(packet);
  if (!echo || !echo->message.reply || echo->message.source != options_.destination) return;
  const auto payload = parse_payload(echo->payload);
  if (!payload || payload->flow != options_.flow || payload->number >= samples_.size()) return;
  EchoSample& sample = samples_[payload->number];
  if (sample.answered) return;
  sample.answered = host_.clock().now();
  ++answered_;
}

EchoResponder::EchoResponder(fabric::FabricHost& host, RequestHandler on_request)
    : on_request_(std::move(on_request)), port_(host, [this](ByteView packet) { on_packet(packet); }) {}

void EchoResponder::on_packet(ByteView packet) {
  const auto echo = parse_echo(packet);
  if (!echo || echo->message.reply) return;
  ++requests_;
  if (const auto payload = parse_payload(echo->payload); payload && on_request_)
    on_request_(payload->flow, payload->number);
  EchoMessage answer = echo->message;
  std::swap(answer.source, answer.destination);
  answer.reply = true;
  port_.send(make_echo(answer, echo->payload));
}

}  // namespace weft::traffic

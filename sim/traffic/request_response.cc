// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/request_response.h"

#include "mesh/io/clock.h"
#include "mesh/io/timer.h"
#include "sim/fabric/fabric_host.h"
#include "sim/traffic/canary.h"
#include "sim/traffic/inner_packet.h"

namespace weft::traffic {

RequestClient::RequestClient(fabric::FabricHost& host, RequestOptions options)
    : host_(host), options_(options), port_(host, [this](ByteView packet) { on_packet(packet); }) {
  timer_ = host_.make_timer([this] { send(); });
  timer_->arm(options_.start);
}

RequestClient::~RequestClient() = default;

/// The next request if the last one is answered, else that one again.
void RequestClient::send() {
  const Time now = host_.clock().now();
  if (samples_.empty() || samples_.back().answered) {
    if (samples_.size() == options_.count) return;
    samples_.push_back({.sent = now});
  } else {
    ++retries_;
  }
  const Endpoint source{port_.address(options_.server.address.family()), options_.source_port};
  const Bytes payload = make_payload(options_.flow, samples_.size() - 1, options_.request);
  samples_.back().accepted |= port_.send(make_udp(source, options_.server, payload));
  timer_->arm(now + options_.timeout);
}

void RequestClient::on_packet(ByteView packet) {
  const auto udp = parse_udp(packet);
  if (!udp || udp->source != options_.server || udp->destination.port != options_.source_port || samples_.empty())
    return;
  const auto payload = parse_payload(udp->payload);
  if (!payload || payload->flow != options_.flow || payload->number != samples_.size() - 1 || samples_.back().answered)
    return;
  samples_.back().answered = host_.clock().now();
  timer_->arm(host_.clock().now());
}

ResponseServer::ResponseServer(fabric::FabricHost& host, std::uint16_t port, std::size_t response)
    : udp_port_(port), response_(response), port_(host, [this](ByteView packet) { on_packet(packet); }) {}

void ResponseServer::on_packet(ByteView packet) {
  const auto udp = parse_udp(packet);
  if (!udp || udp->destination.port != udp_port_) return;
  const auto payload = parse_payload(udp->payload);
  if (!payload) return;
  ++requests_;
  port_.send(make_udp(udp->destination, udp->source, make_payload(payload->flow, payload->number, response_)));
}

}  // namespace weft::traffic

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/constant_rate.h"

#include <algorithm>

#include "mesh/io/clock.h"
#include "mesh/io/timer.h"
#include "sim/fabric/fabric_host.h"
#include "sim/traffic/canary.h"
#include "sim/traffic/inner_packet.h"

namespace weft::traffic {

ConstantRate::ConstantRate(fabric::FabricHost& host, ConstantRateOptions options)
    : host_(host), options_(options), port_(host, [](ByteView) {}) {
  timer_ = host_.make_timer([this] { send_next(); });
  timer_->arm(options_.start);
}

ConstantRate::~ConstantRate() = default;

void ConstantRate::send_next() {
  const Time now = host_.clock().now();
  if (now >= options_.end) return;
  const Endpoint source{port_.address(options_.destination.address.family()), options_.source_port};
  Bytes packet = make_udp(source, options_.destination, make_payload(options_.flow, sent_, options_.payload));
  const Duration gap{static_cast<std::int64_t>(packet.size() * 8'000'000'000ULL / options_.rate_bps)};
  ++sent_;
  if (!port_.send(std::move(packet))) ++refused_;
  timer_->arm(now + gap);
}

RateSink::RateSink(fabric::FabricHost& host, std::uint16_t port, std::uint64_t flow)
    : udp_port_(port), flow_(flow), port_(host, [this](ByteView packet) { on_packet(packet); }) {}

void RateSink::on_packet(ByteView packet) {
  const auto udp = parse_udp(packet);
  if (!udp || udp->destination.port != udp_port_) return;
  const auto payload = parse_payload(udp->payload);
  if (!payload || payload->flow != flow_) return;
  ++received_;
  bytes_ += packet.size();
  if (payload->number < next_) ++reordered_;
  next_ = std::max(next_, payload->number + 1);
}

}  // namespace weft::traffic

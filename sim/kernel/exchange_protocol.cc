// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/exchange_protocol.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/world/world.h"

namespace weft::kernel {
namespace {

using nlohmann::json;

/// What a LinkPlan without a queue of its own holds (sim/world/world.h).
constexpr std::uint64_t kStandardQueueBits = 128 * 1024 * 8;

json to_json(const gateway::LinkShape& shape) {
  return {{"delay_ns", shape.delay.count()}, {"jitter_ns", shape.jitter.count()}, {"loss_ppm", shape.loss_ppm},
          {"loss_run", shape.loss_run},      {"rate_bps", shape.rate_bps},        {"queue_ns", shape.queue.count()}};
}

gateway::LinkShape shape_of(const json& object) {
  return {.delay = Duration(object.at("delay_ns").get<std::int64_t>()),
          .jitter = Duration(object.at("jitter_ns").get<std::int64_t>()),
          .loss_ppm = object.at("loss_ppm"),
          .loss_run = object.at("loss_run"),
          .rate_bps = object.at("rate_bps"),
          .queue = Duration(object.at("queue_ns").get<std::int64_t>())};
}

gateway::LinkShape shape_of(const sim::LinkPlan& link, std::uint64_t rate_bps) {
  gateway::LinkShape shape{.delay = link.delay,
                           .jitter = link.jitter,
                           .loss_ppm = link.loss_ppm,
                           .loss_run = std::max(1u, link.loss_burst),
                           .rate_bps = rate_bps};
  if (link.queue > Duration{0}) {
    shape.queue = link.queue;
  } else if (rate_bps != 0) {
    shape.queue = Duration(static_cast<std::int64_t>(kStandardQueueBits * 1'000'000'000 / rate_bps));
  }
  return shape;
}

}  // namespace

json to_json(const gateway::RegionWay& way) {
  return {{"delay_ns", way.delay.count()}, {"loss_ppm", way.loss_ppm}, {"cut", way.cut}};
}

gateway::RegionWay way_of(const json& object) {
  return {.delay = Duration(object.at("delay_ns").get<std::int64_t>()),
          .loss_ppm = object.at("loss_ppm"),
          .cut = object.at("cut")};
}

json to_json(const ExchangeConfig& config) {
  json ways = json::array();
  for (const auto& row : config.options.ways) {
    json line = json::array();
    for (const auto& way : row) line.push_back(to_json(way));
    ways.push_back(std::move(line));
  }
  return {{"ways", std::move(ways)},
          {"hops", config.options.hops},
          {"seed", config.options.seed},
          {"large", config.options.large},
          {"sites_are_shared", config.sites_are_shared},
          {"emulated", config.emulated},
          {"ns3_attributes", config.ns3_attributes}};
}

Result<ExchangeConfig> parse_config(const std::string& text) {
  try {
    const json object = json::parse(text);
    ExchangeConfig config;
    for (const json& row : object.at("ways")) {
      auto& line = config.options.ways.emplace_back();
      for (const json& way : row) line.push_back(way_of(way));
    }
    config.options.hops = object.at("hops");
    config.options.seed = object.at("seed");
    config.options.large = object.at("large");
    config.sites_are_shared = object.at("sites_are_shared");
    config.emulated = object.at("emulated");
    config.ns3_attributes = object.at("ns3_attributes");
    return config;
  } catch (const json::exception& error) {
    return fail(ErrorCode::usage, std::string("the configuration on standard input is not valid: ") + error.what() +
                                      "; weft-lab exchange is started by weft-lab run --world kernel");
  }
}

json to_json(const gateway::ExchangePort& port) {
  json addresses = json::array();
  for (const IpAddress& address : port.addresses) addresses.push_back(address.to_string());
  return {{"interface", port.interface}, {"mac", port.mac},        {"region", port.region},
          {"addresses", addresses},      {"up", to_json(port.up)}, {"down", to_json(port.down)}};
}

gateway::ExchangePort port_of(const json& object) {
  gateway::ExchangePort port{.interface = object.at("interface"),
                             .mac = object.at("mac"),
                             .region = object.value("region", std::uint16_t{0}),
                             .addresses = {},
                             .up = shape_of(object.at("up")),
                             .down = shape_of(object.at("down"))};
  for (const json& text : object.at("addresses")) {
    if (const auto address = IpAddress::parse(text.get<std::string>())) port.addresses.push_back(*address);
  }
  return port;
}

gateway::LinkShape up_of(const sim::LinkPlan& link) { return shape_of(link, link.up_bps); }
gateway::LinkShape down_of(const sim::LinkPlan& link) { return shape_of(link, link.down_bps); }

sim::LinkPlan link_of(const gateway::LinkShape& up, const gateway::LinkShape& down) {
  sim::LinkPlan link;
  link.delay = up.delay;
  link.jitter = up.jitter;
  link.loss_ppm = up.loss_ppm;
  link.loss_burst = up.loss_run;
  link.up_bps = up.rate_bps;
  link.down_bps = down.rate_bps;
  link.queue = std::max(up.queue, down.queue);
  return link;
}

}  // namespace weft::kernel

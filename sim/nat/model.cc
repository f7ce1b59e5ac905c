// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/model.h"

#include <array>
#include <nlohmann/json.hpp>

#include "mesh/base/assert.h"
#include "sim/json/document.h"

namespace weft::sim {
std::string_view nat_model_schema();
}

namespace weft::nat {
namespace {

using nlohmann::json;

/// The words of an axis in the order of its enum.
template <typename Axis, std::size_t N>
void read(const json& object, const char* key, const std::array<std::string_view, N>& words, Axis& axis) {
  const auto found = object.find(key);
  if (found == object.end()) return;
  const auto word = std::ranges::find(words, found->get_ref<const std::string&>());
  WEFT_ASSERT(word != words.end());  // the schema has seen to it
  axis = static_cast<Axis>(word - words.begin());
}

template <typename Value>
void read(const json& object, const char* key, Value& value) {
  if (const auto found = object.find(key); found != object.end()) value = found->get<Value>();
}

/// Seconds, possibly with a fraction, to the millisecond.
void read(const json& object, const char* key, Duration& value) {
  const auto found = object.find(key);
  if (found != object.end())
    value = std::chrono::milliseconds(static_cast<std::int64_t>(found->get<double>() * 1e3 + 0.5));
}

constexpr std::array<std::string_view, 3> kDependence = {"endpoint_independent", "address_dependent",
                                                         "address_and_port_dependent"};

void read_ports(const json& object, PortRule& ports) {
  read(object, "allocation", std::array<std::string_view, 3>{"preserve", "sequential", "random"}, ports.allocation);
  read(object, "collision", std::array<std::string_view, 3>{"random", "sequential", "refuse"}, ports.collision);
  read(object, "low", ports.low);
  read(object, "high", ports.high);
  read(object, "delta", ports.delta);
  read(object, "overload", ports.overload);
  read(object, "keep_parity", ports.keep_parity);
}

void read_lifetimes(const json& object, Lifetimes& lifetimes) {
  read(object, "udp_unreplied", lifetimes.udp_unreplied);
  read(object, "udp_replied", lifetimes.udp_replied);
  read(object, "udp_replied_after", lifetimes.udp_replied_after);
  read(object, "tcp_transitory", lifetimes.tcp_transitory);
  read(object, "tcp_established", lifetimes.tcp_established);
  read(object, "tcp_closed", lifetimes.tcp_closed);
  read(object, "icmp_query", lifetimes.icmp_query);
}

Behavior read_behavior(const json& object) {
  Behavior behavior;
  behavior.name = object.at("name").get<std::string>();
  read(object, "translation", std::array<std::string_view, 3>{"nat", "firewall", "none"}, behavior.translation);
  read(object, "mapping", kDependence, behavior.mapping);
  read(object, "filtering", kDependence, behavior.filtering);
  read(object, "filter_scope", std::array<std::string_view, 2>{"mapping", "internal_endpoint"}, behavior.filter_scope);
  read(object, "reply", std::array<std::string_view, 2>{"mapping", "session"}, behavior.reply);
  read(object, "hairpinning", std::array<std::string_view, 3>{"none", "internal_source", "external_source"},
       behavior.hairpinning);
  if (const auto ports = object.find("ports"); ports != object.end()) read_ports(*ports, behavior.ports);
  read(object, "pooling", std::array<std::string_view, 2>{"paired", "arbitrary"}, behavior.pooling);
  if (const auto times = object.find("lifetimes_s"); times != object.end()) read_lifetimes(*times, behavior.lifetimes);
  read(object, "refresh", std::array<std::string_view, 3>{"outbound", "inbound", "both"}, behavior.refresh);
  read(object, "refusal", std::array<std::string_view, 3>{"silent", "icmp", "reset"}, behavior.refusal);
  read(object, "premature_inbound", std::array<std::string_view, 2>{"ignored", "occupies"}, behavior.premature_inbound);
  read(object, "udp", std::array<std::string_view, 2>{"allowed", "blocked"}, behavior.udp);
  read(object, "icmp_errors", std::array<std::string_view, 2>{"translated", "dropped"}, behavior.icmp_errors);
  read(object, "decrement_ttl", behavior.decrement_ttl);
  read(object, "mappings_per_subscriber", behavior.mappings_per_subscriber);
  return behavior;
}

}  // namespace

Result<Behavior> parse_model(std::string_view text, std::string_view file) {
  const auto document = sim::parse_document(text, file, sim::nat_model_schema(), "docs/schema/nat-model.schema.json");
  if (!document) return std::unexpected(document.error());
  Behavior behavior = read_behavior(*document);
  if (behavior.ports.low >= behavior.ports.high) {
    return sim::bad_value(file, "/ports/low", "the port range is empty; give a low end below the high end");
  }
  if (behavior.ports.overload && (behavior.mapping != Mapping::address_and_port_dependent ||
                                  behavior.filtering != Filtering::address_and_port_dependent)) {
    return sim::bad_value(
        file, "/ports/overload",
        "one port cannot serve two mappings that the remote endpoint does not tell apart; set mapping and "
        "filtering to address_and_port_dependent, or overload to false");
  }
  return behavior;
}

Result<Behavior> load_model(const std::string& path) {
  const auto text = sim::read_file(path);
  if (!text) return std::unexpected(text.error());
  return parse_model(*text, path);
}

}  // namespace weft::nat

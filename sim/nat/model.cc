// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/model.h"

#include <array>
#include <nlohmann/json.hpp>

#include "mesh/base/assert.h"
#include "sim/json/document.h"
#include "sim/nat/rfc6052.h"

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

void read(const json& object, const char* key, std::optional<std::vector<std::uint16_t>>& ports) {
  if (const auto found = object.find(key); found != object.end()) ports = found->get<std::vector<std::uint16_t>>();
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
  read(object, "keep_contiguity", ports.keep_contiguity);
  read(object, "only_in_range", ports.only_in_range);
  read(object, "reuse_after_s", ports.reuse_after);
  const auto blocks = object.find("blocks");
  if (blocks == object.end()) return;
  read(*blocks, "mode", std::array<std::string_view, 3>{"none", "deterministic", "dynamic"}, ports.blocks.mode);
  read(*blocks, "size", ports.blocks.size);
  read(*blocks, "per_subscriber", ports.blocks.per_subscriber);
}

void read_lifetimes(const json& object, Lifetimes& lifetimes) {
  read(object, "udp_unreplied", lifetimes.udp_unreplied);
  read(object, "udp_replied", lifetimes.udp_replied);
  read(object, "udp_replied_after", lifetimes.udp_replied_after);
  read(object, "tcp_transitory", lifetimes.tcp_transitory);
  read(object, "tcp_established", lifetimes.tcp_established);
  lifetimes.tcp_half_closed = lifetimes.tcp_established;
  read(object, "tcp_half_closed", lifetimes.tcp_half_closed);
  read(object, "tcp_closed", lifetimes.tcp_closed);
  lifetimes.tcp_reset = lifetimes.tcp_closed;
  read(object, "tcp_reset", lifetimes.tcp_reset);
  read(object, "icmp_query", lifetimes.icmp_query);
}

void read_port_mapping(const json& object, PortMapping& mapping) {
  read(object, "nat_pmp", mapping.nat_pmp);
  read(object, "pcp", mapping.pcp);
  read(object, "upnp_igd", mapping.upnp_igd);
  read(object, "max_lifetime_s", mapping.max_lifetime);
  read(object, "fault", std::array<std::string_view, 3>{"none", "dead", "wrong_address"}, mapping.fault);
}

Behavior read_behavior(const json& object) {
  Behavior behavior;
  behavior.name = object.at("name").get<std::string>();
  read(object, "translation", std::array<std::string_view, 5>{"nat", "firewall", "none", "nat64", "nptv6"},
       behavior.translation);
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
  read(object, "syn_refusal_after_s", behavior.syn_refusal_after);
  read(object, "refusal", std::array<std::string_view, 3>{"silent", "icmp", "reset"}, behavior.refusal);
  if (const auto mapping = object.find("port_mapping"); mapping != object.end())
    read_port_mapping(*mapping, behavior.port_mapping);
  read(object, "premature_inbound", std::array<std::string_view, 2>{"ignored", "occupies"}, behavior.premature_inbound);
  read(object, "tcp_reopening", std::array<std::string_view, 2>{"same_flow", "new_flow"}, behavior.tcp_reopening);
  read(object, "udp", std::array<std::string_view, 2>{"allowed", "blocked"}, behavior.udp);
  read(object, "icmp_errors", std::array<std::string_view, 2>{"translated", "dropped"}, behavior.icmp_errors);
  read(object, "decrement_ttl", behavior.decrement_ttl);
  read(object, "mappings_per_subscriber", behavior.mappings_per_subscriber);
  read(object, "exhaustion", std::array<std::string_view, 2>{"silent", "icmp"}, behavior.exhaustion);
  read(object, "ip_id", std::array<std::string_view, 2>{"preserve", "rewrite"}, behavior.ip_id);
  read(object, "fragments", std::array<std::string_view, 3>{"any_order", "in_order", "refused"}, behavior.fragments);
  if (const auto table = object.find("table"); table != object.end()) {
    read(*table, "flows", behavior.table.flows);
    read(*table, "when_full", std::array<std::string_view, 3>{"refuse", "evict_oldest", "evict_unreplied"},
         behavior.table.when_full);
  }
  read(object, "tcp_ports", behavior.tcp_ports);
  read(object, "udp_ports", behavior.udp_ports);
  if (const auto proxy = object.find("http_proxy"); proxy != object.end()) {
    behavior.http_proxy.emplace();
    read(*proxy, "port", behavior.http_proxy->port);
    read(*proxy, "connect_ports", behavior.http_proxy->connect_ports);
    read(*proxy, "user", behavior.http_proxy->user);
    read(*proxy, "password", behavior.http_proxy->password);
  }
  return behavior;
}

Result<void> read_untranslated(const json& object, std::string_view file, std::vector<Prefix>& out) {
  const auto found = object.find("untranslated");
  if (found == object.end()) return {};
  for (const auto& text : *found) {
    const auto prefix = Prefix::parse(text.get_ref<const std::string&>());
    if (!prefix)
      return sim::bad_value(file, "/untranslated/" + std::to_string(out.size()),
                            "not a prefix; write one as 192.0.2.0/24");
    out.push_back(*prefix);
  }
  return {};
}

/// Reads a prefix of the translation it belongs to; it may not stand in another model.
Result<void> read_prefix(const json& object, std::string_view file, const char* key, bool wanted, Prefix& prefix) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  const std::string pointer = std::string("/") + key;
  if (!wanted) return sim::bad_value(file, pointer, "this translation has no such prefix; remove it");
  const auto parsed = Prefix::parse(found->get_ref<const std::string&>());
  if (!parsed || !parsed->address.is_v6())
    return sim::bad_value(file, pointer, "not an IPv6 prefix; write one as 2001:db8::/48");
  prefix = *parsed;
  return {};
}

Result<void> read_prefixes(const json& object, std::string_view file, Behavior& behavior) {
  const bool nat64 = behavior.translation == Translation::nat64;
  const bool nptv6 = behavior.translation == Translation::nptv6;
  if (auto done = read_prefix(object, file, "nat64_prefix", nat64, behavior.nat64_prefix); !done) return done;
  if (auto done = read_prefix(object, file, "internal_prefix", nptv6, behavior.internal_prefix); !done) return done;
  if (auto done = read_prefix(object, file, "external_prefix", nptv6, behavior.external_prefix); !done) return done;
  if (nat64 && !is_translation_prefix(behavior.nat64_prefix)) {
    return sim::bad_value(file, "/nat64_prefix", "RFC 6052 allows 32, 40, 48, 56, 64 and 96 bits; use one of them");
  }
  const auto usable = [](const Prefix& prefix) { return prefix.length >= 16 && prefix.length <= 64; };
  if (nptv6 && (!usable(behavior.internal_prefix) || !usable(behavior.external_prefix))) {
    return sim::bad_value(file, "/external_prefix",
                          "nptv6 needs internal_prefix and external_prefix of 16 to 64 bits; give both");
  }
  return {};
}

/// What the schema allows key by key and the engine cannot do together.
Result<void> check_ports(const Behavior& behavior, std::string_view file) {
  const PortRule& ports = behavior.ports;
  if (ports.low >= ports.high) {
    return sim::bad_value(file, "/ports/low", "the port range is empty; give a low end below the high end");
  }
  const bool strict = behavior.mapping == Mapping::address_and_port_dependent &&
                      behavior.filtering == Filtering::address_and_port_dependent;
  if (ports.overload && !strict) {
    return sim::bad_value(
        file, "/ports/overload",
        "one port cannot serve two mappings that the remote endpoint does not tell apart; set mapping and "
        "filtering to address_and_port_dependent, or overload to false");
  }
  if (ports.blocks.mode == BlockMode::none) return {};
  if (ports.blocks.size > std::uint32_t{ports.high} - ports.low + 1) {
    return sim::bad_value(file, "/ports/blocks/size", "a block is larger than the range low to high; make it smaller");
  }
  if (ports.blocks.mode == BlockMode::deterministic && ports.blocks.per_subscriber != 1) {
    return sim::bad_value(file, "/ports/blocks/per_subscriber",
                          "a computed block is one for each subscriber; use mode dynamic, or 1");
  }
  if (behavior.translation != Translation::nat && behavior.translation != Translation::nat64) {
    return sim::bad_value(file, "/ports/blocks", "a box that does not translate ports has no blocks; remove them");
  }
  return {};
}

Result<void> check_flows(const Behavior& behavior, std::string_view file) {
  const bool stateless = behavior.translation == Translation::none || behavior.translation == Translation::nptv6;
  if (stateless && (behavior.tcp_ports || behavior.udp_ports || behavior.table.flows > 0)) {
    return sim::bad_value(file, "/translation",
                          "a box without state knows no flows; remove tcp_ports, udp_ports and table, or use firewall");
  }
  if (behavior.http_proxy && behavior.translation != Translation::nat) {
    return sim::bad_value(file, "/http_proxy",
                          "a proxy needs an address outside, which a box that does not translate lacks; use nat");
  }
  if (behavior.udp == UdpPolicy::blocked && behavior.udp_ports && !behavior.udp_ports->empty()) {
    return sim::bad_value(file, "/udp_ports", "UDP is blocked altogether; remove udp_ports, or set udp to allowed");
  }
  return {};
}

}  // namespace

Result<Behavior> parse_model(std::string_view text, std::string_view file) {
  const auto document = sim::parse_document(text, file, sim::nat_model_schema(), "docs/schema/nat-model.schema.json");
  if (!document) return std::unexpected(document.error());
  Behavior behavior = read_behavior(*document);
  if (auto done = read_prefixes(*document, file, behavior); !done) return std::unexpected(done.error());
  if (auto done = read_untranslated(*document, file, behavior.untranslated); !done)
    return std::unexpected(done.error());
  if (auto done = check_ports(behavior, file); !done) return std::unexpected(done.error());
  if (auto done = check_flows(behavior, file); !done) return std::unexpected(done.error());
  return behavior;
}

Result<Behavior> load_model(const std::string& path) {
  const auto text = sim::read_file(path);
  if (!text) return std::unexpected(text.error());
  auto behavior = parse_model(*text, path);
  if (behavior) behavior->file = path;
  return behavior;
}

}  // namespace weft::nat

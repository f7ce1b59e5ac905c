// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sim/nat/nat.h"

namespace weft::nat {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto model = parse_model(text, "m.json");
  if (model) return "accepted";
  EXPECT_EQ(model.error().code, ErrorCode::usage);
  return model.error().message;
}

TEST(Model, EveryShippedModelLoadsUnderItsFileName) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_SOURCE_DIR "/nat-models")) {
    const auto model = load_model(entry.path().string());
    ASSERT_TRUE(model.has_value()) << model.error().message;
    EXPECT_EQ(model->name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 25);
}

TEST(Model, NineTypesDeclareTheirNames) {
  const std::array<std::string, 3> mappings{"eim", "adm", "apdm"};
  const std::array<std::string, 3> filterings{"eif", "adf", "apdf"};
  for (std::size_t m = 0; m < 3; ++m) {
    for (std::size_t f = 0; f < 3; ++f) {
      const auto model = load_model(WEFT_SOURCE_DIR "/nat-models/" + mappings[m] + "-" + filterings[f] + ".json");
      ASSERT_TRUE(model.has_value()) << model.error().message;
      EXPECT_EQ(static_cast<std::size_t>(model->mapping), m);
      EXPECT_EQ(static_cast<std::size_t>(model->filtering), f);
    }
  }
}

TEST(Model, ReadsEachKey) {
  const auto model =
      parse_model(R"({"name": "x", "source": "s", "translation": "firewall", "mapping": "address_dependent",
    "filtering": "address_dependent", "filter_scope": "internal_endpoint", "reply": "session", "hairpinning": "internal_source",
    "ports": {"allocation": "sequential", "collision": "refuse", "low": 2000, "high": 3000, "delta": -2, "keep_parity": true},
    "pooling": "arbitrary", "lifetimes_s": {"udp_unreplied": 0.5, "udp_replied": 7, "icmp_query": 9}, "refresh": "outbound",
    "refusal": "icmp", "premature_inbound": "occupies", "udp": "blocked", "icmp_errors": "dropped", "decrement_ttl": false,
    "mappings_per_subscriber": 3})",
                  "m.json");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->translation, Translation::firewall);
  EXPECT_EQ(model->mapping, Mapping::address_dependent);
  EXPECT_EQ(model->filtering, Filtering::address_dependent);
  EXPECT_EQ(model->filter_scope, FilterScope::internal_endpoint);
  EXPECT_EQ(model->reply, ReplyRule::session);
  EXPECT_EQ(model->hairpinning, Hairpinning::internal_source);
  EXPECT_EQ(model->ports.allocation, Allocation::sequential);
  EXPECT_EQ(model->ports.collision, Collision::refuse);
  EXPECT_EQ(model->ports.low, 2000);
  EXPECT_EQ(model->ports.high, 3000);
  EXPECT_EQ(model->ports.delta, -2);
  EXPECT_TRUE(model->ports.keep_parity);
  EXPECT_EQ(model->pooling, Pooling::arbitrary);
  EXPECT_EQ(model->lifetimes.udp_unreplied, Duration(500ms));
  EXPECT_EQ(model->lifetimes.udp_replied, Duration(7s));
  EXPECT_EQ(model->lifetimes.icmp_query, Duration(9s));
  EXPECT_EQ(model->lifetimes.tcp_established, Duration(7440s));  // left out: RFC 5382's
  EXPECT_EQ(model->refresh, Refresh::outbound);
  EXPECT_EQ(model->refusal, Refusal::icmp);
  EXPECT_EQ(model->premature_inbound, PrematureInbound::occupies);
  EXPECT_EQ(model->udp, UdpPolicy::blocked);
  EXPECT_EQ(model->icmp_errors, IcmpErrors::dropped);
  EXPECT_FALSE(model->decrement_ttl);
  EXPECT_EQ(model->mappings_per_subscriber, 3u);
}

TEST(Model, ReadsTheKeysOfCarriersAndFirewalls) {
  const auto model =
      parse_model(R"({"name": "x", "source": "s", "translation": "nat64", "nat64_prefix": "2001:db8:64::/96",
    "ports": {"allocation": "random", "low": 2048, "keep_contiguity": true, "only_in_range": true, "reuse_after_s": 120,
              "blocks": {"mode": "dynamic", "size": 512, "per_subscriber": 4}},
    "lifetimes_s": {"tcp_established": 100, "tcp_closed": 5, "tcp_reset": 6}, "exhaustion": "silent", "fragments": "in_order",
    "table": {"flows": 1000, "when_full": "evict_unreplied"}, "tcp_ports": [80, 443], "udp_ports": [],
    "untranslated": ["192.0.2.0/24"]})",
                  "m.json");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->translation, Translation::nat64);
  EXPECT_EQ(model->nat64_prefix.to_string(), "2001:db8:64::/96");
  EXPECT_TRUE(model->ports.keep_contiguity && model->ports.only_in_range);
  EXPECT_EQ(model->ports.reuse_after, Duration(120s));
  EXPECT_EQ(model->ports.blocks.mode, BlockMode::dynamic);
  EXPECT_EQ(model->ports.blocks.size, 512u);
  EXPECT_EQ(model->ports.blocks.per_subscriber, 4u);
  EXPECT_EQ(model->lifetimes.tcp_half_closed, Duration(100s));  // as established
  EXPECT_EQ(model->lifetimes.tcp_closed, Duration(5s));
  EXPECT_EQ(model->lifetimes.tcp_reset, Duration(6s));
  EXPECT_EQ(model->exhaustion, Exhaustion::silent);
  EXPECT_EQ(model->fragments, Fragments::in_order);
  EXPECT_EQ(model->table.flows, 1000u);
  EXPECT_EQ(model->table.when_full, WhenFull::evict_unreplied);
  EXPECT_EQ(model->tcp_ports, (std::vector<std::uint16_t>{80, 443}));
  EXPECT_TRUE(model->udp_ports && model->udp_ports->empty());
  EXPECT_FALSE(model->http_proxy);
  EXPECT_EQ(model->untranslated, std::vector{*Prefix::parse("192.0.2.0/24")});
}

TEST(Model, ReadsAProxy) {
  const auto model = parse_model(R"({"name": "x", "source": "s", "tcp_ports": [],
    "http_proxy": {"port": 8080, "connect_ports": [443, 8443], "user": "ann", "password": "s"}})",
                                 "m.json");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  ASSERT_TRUE(model->http_proxy.has_value());
  EXPECT_EQ(model->http_proxy->port, 8080);
  EXPECT_EQ(model->http_proxy->connect_ports, (std::vector<std::uint16_t>{443, 8443}));
  EXPECT_EQ(model->http_proxy->user, "ann");
  EXPECT_EQ(model->http_proxy->password, "s");
}

TEST(Model, RefusesContradictions) {
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "translation": "firewall", "http_proxy": {}})"),
              HasSubstr("at /http_proxy"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "nat64_prefix": "64:ff9b::/96"})"),
              HasSubstr("at /nat64_prefix"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "translation": "nat64", "nat64_prefix": "64:ff9b::/90"})"),
              HasSubstr("at /nat64_prefix"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "translation": "nptv6", "internal_prefix": "fd00::/48"})"),
              HasSubstr("at /external_prefix"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "translation": "nptv6", "internal_prefix": "10.0.0.0/8"})"),
              HasSubstr("at /internal_prefix"));
  EXPECT_THAT(
      refusal(R"({"name": "x", "source": "s", "ports": {"high": 1100, "blocks": {"mode": "dynamic", "size": 512}}})"),
      HasSubstr("at /ports/blocks/size"));
  EXPECT_THAT(
      refusal(R"({"name": "x", "source": "s", "ports": {"blocks": {"mode": "deterministic", "per_subscriber": 2}}})"),
      HasSubstr("at /ports/blocks/per_subscriber"));
  EXPECT_THAT(
      refusal(R"({"name": "x", "source": "s", "translation": "firewall", "ports": {"blocks": {"mode": "dynamic"}}})"),
      HasSubstr("at /ports/blocks"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "translation": "none", "tcp_ports": [443]})"),
              HasSubstr("at /translation"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "udp": "blocked", "udp_ports": [53]})"),
              HasSubstr("at /udp_ports"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "ports": {"blocks": {"mode": "dynamic", "size": 63}}})"),
              HasSubstr("at /ports/blocks/size"));
}

TEST(Model, RefusesInOneSentenceWithFileAndPlace) {
  EXPECT_THAT(refusal(R"({"name": "x"})"), HasSubstr("source"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "maping": "x"})"),
              HasSubstr("m.json: at /: unknown key 'maping'"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "mapping": "cone"})"), HasSubstr("at /mapping"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "ports": {"delta": 0}})"), HasSubstr("at /ports/delta"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "ports": {"low": 2000, "high": 1999}})"),
              HasSubstr("at /ports/low"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "ports": {"overload": true}})"), HasSubstr("at /ports/overload"));
  EXPECT_THAT(refusal(R"({"name": "x", "source": "s", "lifetimes_s": {"udp_replied": 0}})"),
              HasSubstr("at /lifetimes_s/udp_replied"));
  EXPECT_THAT(load_model("/nowhere/x.json").error().message, HasSubstr("/nowhere/x.json"));
}

TEST(DropReason, HasAWordForEachValue) {
  for (std::size_t value = 0; value < static_cast<std::size_t>(DropReason::count_); ++value) {
    EXPECT_NE(to_string(static_cast<DropReason>(value)), "unknown") << value;
  }
}

}  // namespace
}  // namespace weft::nat

// SPDX-License-Identifier: GPL-2.0-only
// Our mapper against the gateway's servers, in virtual time:
//
//     mapper 192.168.1.2 ── 192.168.1.1 [servers, NAT] 203.0.113.2
#include "mesh/portmap/port_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "mesh/http/codec.h"
#include "mesh/portmap/upnp_igd.h"
#include "sim/nat/nat.h"
#include "sim/portmap/pcp_server.h"
#include "sim/portmap/upnp_server.h"
#include "tests/support/nat_lab.h"

namespace weft {
namespace {

using portmap::MappingState;
using portmap::Method;
using portmap::Protocol;

const IpAddress kInside = IpAddress::v4(192, 168, 1, 1);
const IpAddress kHost = IpAddress::v4(192, 168, 1, 2);
const IpAddress kExternal = IpAddress::v4(203, 0, 113, 2);
const portmap::Wish kWish{Protocol::udp, 41641};

nat::PortMapping offers(bool pcp, bool nat_pmp, bool upnp) {
  return {.nat_pmp = nat_pmp, .pcp = pcp, .upnp_igd = upnp};
}

nat::Behavior gateway_that(nat::PortMapping mapping) {
  nat::Behavior behavior;
  behavior.port_mapping = mapping;
  return behavior;
}

class PortMapperTest : public testing::Test {
 protected:
  void use(const nat::PortMapping& mapping, IpAddress external = kExternal) {
    use(gateway_that(mapping), std::vector{external});
  }
  void use(const nat::Behavior& behavior, std::vector<IpAddress> external) {
    nat_ = std::make_unique<nat::Nat>(behavior, std::move(external), random_);
    store_ = std::make_unique<gateway_portmap::MappingStore>(*nat_, now_);
    pcp_ = std::make_unique<gateway_portmap::PcpServer>(*store_);
    upnp_ = std::make_unique<gateway_portmap::UpnpServer>(*store_, kInside);
  }

  /// Carries everything at `now_`.
  void exchange() {
    for (bool more = true; more;) {
      more = false;
      while (const auto datagram = mapper_.poll_transmit()) {
        more = true;
        ++datagrams_;
        if (silent_) continue;
        if (datagram->destination == server_) {
          const auto answer = pcp_->handle_datagram(now_, client_, datagram->bytes, nat_->behavior().port_mapping);
          if (answer) mapper_.handle_datagram(now_, datagram->destination, *answer);
        } else if (datagram->destination.port == portmap::kSsdpPort && nat_->behavior().port_mapping.upnp_igd) {
          if (const auto answer = upnp_->handle_search(datagram->bytes))
            mapper_.handle_datagram(now_, {kInside, portmap::kSsdpPort}, *answer);
        }
      }
      while (const auto http = mapper_.poll_http()) {
        more = true;
        http::RequestParser parser;
        parser.handle_data(http->bytes);
        const auto request = parser.poll_request();
        ASSERT_TRUE(request);
        if (!silent_)
          mapper_.handle_http_data(now_, http->id, http::serialize(upnp_->handle_request(now_, kHost, *request)));
        mapper_.handle_http_closed(now_, http->id);
      }
      while (mapper_.poll_http_done()) {
      }
      while (auto event = mapper_.poll_event()) events_.push_back(event->report);
    }
  }

  void run_for(Duration duration) {
    const Time end = now_ + duration;
    exchange();
    while (mapper_.next_deadline() && *mapper_.next_deadline() <= end) {
      now_ = std::max(now_, *mapper_.next_deadline());
      mapper_.handle_timeout(now_);
      exchange();
    }
    now_ = end;
  }

  void begin() {
    mapper_.add(now_, kWish);
    mapper_.set_router(now_, portmap::Router{kInside, kHost});
    run_for(10s);
  }

  portmap::MappingReport report() { return mapper_.reports().front(); }

  Time now_{1000s};
  SeededRandom random_{1, "test"};
  std::unique_ptr<nat::Nat> nat_;
  std::unique_ptr<gateway_portmap::MappingStore> store_;
  std::unique_ptr<gateway_portmap::PcpServer> pcp_;
  std::unique_ptr<gateway_portmap::UpnpServer> upnp_;
  portmap::PortMapper mapper_{random_};
  std::vector<portmap::MappingReport> events_;
  Endpoint client_{kHost, 50000}, server_{kInside, portmap::kServerPort};
  bool silent_ = false;
  int datagrams_ = 0;
};

struct Case {
  nat::PortMapping offers;
  Method best;
};
class EachOffer : public PortMapperTest, public testing::WithParamInterface<Case> {};

TEST_P(EachOffer, MapsByTheBestMethodAndWithdraws) {
  use(GetParam().offers);
  begin();
  EXPECT_EQ(report().state, MappingState::mapped);
  EXPECT_EQ(report().method, GetParam().best);
  EXPECT_EQ(report().external, (Endpoint{kExternal, 41641}));
  EXPECT_FALSE(report().behind_another_nat);
  const auto held = nat_->static_mappings(now_);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].internal, (Endpoint{kHost, 41641}));
  mapper_.remove_all(now_);
  run_for(1s);
  EXPECT_TRUE(nat_->static_mappings(now_).empty());
  EXPECT_EQ(events_.back().state, MappingState::idle);
}

TEST_P(EachOffer, RenewsForADay) {
  use(GetParam().offers);
  begin();
  for (int hour = 0; hour < 24; ++hour) {
    run_for(1h);
    ASSERT_EQ(nat_->static_mappings(now_).size(), 1u) << "hour " << hour;
    ASSERT_EQ(report().external, (Endpoint{kExternal, 41641}));
  }
}

TEST_P(EachOffer, TakesAnotherPortIfTheOneIsTaken) {
  use(GetParam().offers);
  store_->add(now_, {.protocol = Protocol::udp,
                     .internal = {IpAddress::v4(192, 168, 1, 9), 1},
                     .suggested_port = 41641,
                     .lifetime = std::nullopt});
  begin();
  ASSERT_EQ(report().state, MappingState::mapped);
  EXPECT_NE(report().external->port, 41641);
  EXPECT_EQ(nat_->static_mappings(now_).size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(All, EachOffer,
                         testing::Values(Case{offers(true, true, true), Method::pcp},
                                         Case{offers(true, false, false), Method::pcp},
                                         Case{offers(false, true, true), Method::nat_pmp},
                                         Case{offers(false, true, false), Method::nat_pmp},
                                         Case{offers(false, false, true), Method::upnp_igd}));

TEST_F(PortMapperTest, MapsAnewAfterARestartOfTheGateway) {
  for (const auto& mapping : {offers(true, false, false), offers(false, true, false)}) {
    use(mapping);
    mapper_.set_router(now_, std::nullopt);
    begin();
    run_for(10min);
    nat_->restart();
    store_->restart(now_);
    pcp_->restart();
    run_for(6min);  // the gateway is asked for its epoch every five minutes
    EXPECT_EQ(nat_->static_mappings(now_).size(), 1u);
    EXPECT_EQ(report().state, MappingState::mapped);
    EXPECT_EQ(report().external, (Endpoint{kExternal, 41641}));
  }
}

TEST_F(PortMapperTest, ADeadMappingIsWithdrawnAndTheNextMethodTried) {
  use(offers(true, true, false));
  begin();
  ASSERT_EQ(report().method, Method::pcp);
  mapper_.handle_unreachable(now_, *report().external);
  run_for(1s);
  EXPECT_EQ(report().state, MappingState::mapped);
  EXPECT_EQ(report().method, Method::nat_pmp);
  mapper_.handle_unreachable(now_, *report().external);
  run_for(1s);
  EXPECT_EQ(report().state, MappingState::dead);
  EXPECT_EQ(report().external, std::nullopt);
  EXPECT_TRUE(nat_->static_mappings(now_).empty());
  run_for(16min);
  EXPECT_EQ(report().state, MappingState::mapped);  // tried again
}

TEST_F(PortMapperTest, VerificationIsOfTheCurrentEndpointAlone) {
  use(offers(true, false, false));
  begin();
  mapper_.handle_verified(now_, {kExternal, 1});
  EXPECT_EQ(report().state, MappingState::mapped);
  mapper_.handle_verified(now_, {kExternal, 41641});
  EXPECT_EQ(report().state, MappingState::verified);
  run_for(3h);
  EXPECT_EQ(report().state, MappingState::verified);  // a renewal of the same endpoint does not ask again
}

TEST_F(PortMapperTest, TellsThatThereIsAnotherNatAbove) {
  use(offers(true, true, true), IpAddress::v4(100, 64, 0, 5));
  begin();
  EXPECT_EQ(report().state, MappingState::mapped);
  EXPECT_TRUE(report().behind_another_nat);
}

TEST_F(PortMapperTest, GivesUpWithoutAServerAndTriesLater) {
  use(offers(false, false, false));
  begin();
  EXPECT_EQ(report().state, MappingState::unavailable);
  EXPECT_EQ(report().error, portmap::PortmapError::no_answer);
  const int spent = datagrams_;
  EXPECT_LE(spent, 20);
  use(offers(true, false, false));
  run_for(16min);
  EXPECT_EQ(report().state, MappingState::mapped);
}

TEST_F(PortMapperTest, ANewRouterIsAskedAnew) {
  use(offers(true, false, false));
  begin();
  mapper_.set_router(now_, std::nullopt);
  EXPECT_EQ(report().state, MappingState::idle);
  EXPECT_EQ(mapper_.next_deadline(), std::nullopt);
  mapper_.set_router(now_, portmap::Router{kInside, kHost});
  run_for(1s);
  EXPECT_EQ(report().state, MappingState::mapped);
}

TEST_F(PortMapperTest, PcpIsTakenEvenIfNatPmpAnswersFirst) {
  use(offers(true, true, false));
  mapper_.add(now_, kWish);
  mapper_.set_router(now_, portmap::Router{kInside, kHost});
  std::vector<Bytes> answers;
  while (const auto datagram = mapper_.poll_transmit()) {
    if (datagram->destination.port != portmap::kServerPort) continue;
    answers.push_back(*pcp_->handle_datagram(now_, {kHost, 50000}, datagram->bytes, nat_->behavior().port_mapping));
  }
  now_ += 800ms;  // a late answer is no reason to take the other one
  for (auto answer = answers.rbegin(); answer != answers.rend(); ++answer) {
    mapper_.handle_datagram(now_, {kInside, portmap::kServerPort}, *answer);
  }
  run_for(1s);
  EXPECT_EQ(report().method, Method::pcp);
}

TEST_F(PortMapperTest, AnswersOfOthersAreIgnored) {
  use(offers(true, false, false));
  silent_ = true;
  mapper_.add(now_, kWish);
  mapper_.set_router(now_, portmap::Router{kInside, kHost});
  const auto request = mapper_.poll_transmit();
  ASSERT_TRUE(request);
  const auto answer = pcp_->handle_datagram(now_, {kHost, 50000}, request->bytes, nat_->behavior().port_mapping);
  mapper_.handle_datagram(now_, {IpAddress::v4(192, 168, 1, 66), portmap::kServerPort}, *answer);
  run_for(10s);
  EXPECT_EQ(report().state, MappingState::unavailable);
}

TEST(PcpServer, RefusesThirdPartyAnotherAddressAndAnotherNonce) {
  SeededRandom random(1, "test");
  nat::Nat nat(gateway_that(offers(true, false, false)), {kExternal}, random);
  gateway_portmap::MappingStore store(nat, Time{0s});
  gateway_portmap::PcpServer server(store);
  portmap::PcpRequest request{.opcode = portmap::PcpOpcode::map,
                              .lifetime_s = 60,
                              .client = kHost,
                              .map = portmap::PcpMap{.nonce = {1}, .protocol = 17, .internal_port = 5, .external = {}},
                              .options = {}};
  const auto result = [&](const portmap::PcpRequest& each) {
    const auto answer = server.handle_datagram(Time{1s}, {kHost, 1}, encode(each), nat.behavior().port_mapping);
    const auto parsed = portmap::parse_pcp_response(*answer);
    return parsed ? static_cast<portmap::PcpResult>(parsed->result) : portmap::PcpResult::malformed_request;
  };
  EXPECT_EQ(result(request), portmap::PcpResult::success);
  auto changed = request;
  changed.map->nonce = {2};
  EXPECT_EQ(result(changed), portmap::PcpResult::not_authorised);
  changed = request;
  changed.client = IpAddress::v4(192, 168, 1, 3);
  EXPECT_EQ(result(changed), portmap::PcpResult::address_mismatch);
  changed = request;
  changed.options = {static_cast<std::uint8_t>(portmap::PcpOption::third_party)};
  EXPECT_EQ(result(changed), portmap::PcpResult::unsupported_option);
  EXPECT_EQ(nat.static_mappings(Time{1s}).size(), 1u);
}

TEST(MappingStore, DeadMappingsAreGrantedAndLeaveTheNatAlone) {
  SeededRandom random(1, "test");
  auto mapping = offers(true, true, true);
  mapping.fault = nat::MappingFault::dead;
  nat::Nat nat(gateway_that(mapping), {kExternal}, random);
  gateway_portmap::MappingStore store(nat, Time{0s});
  const auto grant =
      store.add(Time{1s}, {.protocol = Protocol::udp, .internal = {kHost, 7}, .suggested_port = 9, .lifetime = 60s});
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->external, (Endpoint{kExternal, 9}));
  EXPECT_TRUE(nat.static_mappings(Time{1s}).empty());
  EXPECT_EQ(store.list(Time{1s}).size(), 1u);
}

TEST(MappingStore, AWrongAddressIsTold) {
  SeededRandom random(1, "test");
  auto mapping = offers(true, true, true);
  mapping.fault = nat::MappingFault::wrong_address;
  nat::Nat nat(gateway_that(mapping), {kExternal}, random);
  gateway_portmap::MappingStore store(nat, Time{0s});
  EXPECT_EQ(store.external_address(), IpAddress::v4(203, 0, 113, 3));
}

/// The same over IPv6, where a box does not translate and only filters:
///
///     mapper 2001:db8:1::2 ── 2001:db8:1::1 [PCP server, firewall]
class PinholeTest : public PortMapperTest {
 protected:
  const IpAddress router_ = *IpAddress::parse("2001:db8:1::1");
  const Endpoint ours_ = *Endpoint::parse("[2001:db8:1::2]:41641");
  const Endpoint stranger_ = *Endpoint::parse("[2001:db8:9::9]:5000");

  void begin() {
    client_ = {ours_.address, 50000};
    server_ = {router_, portmap::kServerPort};
    mapper_.add(now_, kWish);
    mapper_.set_router(now_, portmap::Router{router_, ours_.address});
    run_for(10s);
  }
  /// A NAT of IPv4 whose filter lets nobody in.
  void use_firewall(nat::PortMapping mapping, nat::Translation translation) {
    nat::Behavior behavior = gateway_that(mapping);
    behavior.translation = translation;
    behavior.filtering = nat::Filtering::address_and_port_dependent;
    use(behavior, translation == nat::Translation::firewall ? std::vector<IpAddress>{} : std::vector{kExternal});
  }
  bool lets_in(const Endpoint& from) {
    Bytes packet = nat::udp(from, ours_);
    return nat_->translate(now_, nat::Side::outside, packet).forwarded();
  }
};

TEST_F(PinholeTest, PcpOpensOurOwnEndpointToStrangers) {
  for (const auto translation : {nat::Translation::nat, nat::Translation::firewall, nat::Translation::nat64}) {
    use_firewall(offers(true, true, true), translation);
    EXPECT_FALSE(lets_in(stranger_));
    begin();
    EXPECT_EQ(report().state, MappingState::mapped);
    EXPECT_EQ(report().method, Method::pcp);
    EXPECT_EQ(report().external, ours_);
    EXPECT_TRUE(lets_in(stranger_));
    Bytes answer = nat::udp(ours_, stranger_);
    EXPECT_TRUE(nat_->translate(now_, nat::Side::inside, answer).forwarded());
    for (int hour = 0; hour < 5; ++hour) {
      run_for(1h);
      EXPECT_TRUE(lets_in(*Endpoint::parse("[2001:db8:9::a]:" + std::to_string(5000 + hour))));
    }
    mapper_.remove_all(now_);
    run_for(1s);
    EXPECT_FALSE(lets_in(*Endpoint::parse("[2001:db8:9::b]:5000")));
    EXPECT_TRUE(nat_->static_mappings(now_).empty());
    mapper_.set_router(now_, std::nullopt);
  }
}

TEST_F(PinholeTest, ARestartOfTheFirewallIsNoticed) {
  use_firewall(offers(true, false, false), nat::Translation::nat);
  begin();
  run_for(10min);
  nat_->restart();
  store_->restart(now_);
  pcp_->restart();
  EXPECT_FALSE(lets_in(stranger_));
  run_for(6min);  // the gateway is asked for its epoch every five minutes
  EXPECT_TRUE(lets_in(stranger_));
}

/// NAT-PMP has no IPv6 and UPnP's service for it is another one, so neither is asked.
TEST_F(PinholeTest, NobodyElseIsAsked) {
  use_firewall(offers(false, true, true), nat::Translation::nat);
  begin();
  EXPECT_EQ(report().state, MappingState::unavailable);
  EXPECT_TRUE(nat_->static_mappings(now_).empty());
}

TEST_F(PinholeTest, APortThatIsNotOursIsRefused) {
  use_firewall(offers(true, false, false), nat::Translation::nat);
  const gateway_portmap::MappingStore::Request other{
      .protocol = Protocol::udp, .internal = ours_, .suggested_port = 7, .exact = true, .lifetime = 1h};
  EXPECT_FALSE(store_->add(now_, other));
  gateway_portmap::MappingStore::Request any = other;
  any.exact = false;
  const auto grant = store_->add(now_, any);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->external, ours_);
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: GPL-2.0-only
#include "mesh/io/stream.h"

#include "sim/nat/nat.h"
#include "tests/unit/sim_fabric/support.h"

namespace weft::fabric {
namespace {

/// A client behind a NAT sends `content` to a server on the Internet, over a link of the test's choice.
class StreamWorld {
 public:
  explicit StreamWorld(const LinkOptions& link, std::uint64_t seed = 1) : network_({.seed = seed}) {
    server_ = &network_.add_host({.name = "server", .addresses = {ip("192.0.2.1")}});
    home_ = network_.add_nat({.name = "home", .external = {ip("203.0.113.1")}, .link = link}, {});
    client_ = &network_.add_host({.name = "client", .realm = home_.inside, .addresses = {ip("10.0.0.2")}});
    listener_ = std::move(*server_->listen({ip("192.0.2.1"), 443}, [this](std::unique_ptr<io::Stream> stream) {
      accepted_ = std::move(stream);
      accepted_->start({.on_data = [this](ByteView bytes) { got_.insert(got_.end(), bytes.begin(), bytes.end()); },
                        .on_closed = [this](const Error& error) { server_end_ = error.code; }});
    }));
  }
  void connect(Bytes content = {}) {
    content_ = std::move(content);
    stream_ = client_->connect({ip("192.0.2.1"), 443});
    const auto pump = [this] { written_ += stream_->write(ByteView{content_}.subspan(written_)); };
    stream_->start({.on_connected =
                        [this, pump] {
                          connected_ = network_.now();
                          pump();
                        },
                    .on_writable = pump,
                    .on_closed = [this](const Error& error) { client_end_ = error.code; }});
  }
  Network network_;
  FabricHost *server_ = nullptr, *client_ = nullptr;
  NatPlace home_;
  std::unique_ptr<io::StreamListener> listener_;
  std::unique_ptr<io::Stream> stream_, accepted_;
  Bytes content_, got_;
  std::size_t written_ = 0;
  std::optional<Time> connected_;
  std::optional<ErrorCode> client_end_, server_end_;
};

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 13 + i / 257);
  return out;
}

TEST(Stream, CrossesANatByItsTcpMapping) {
  StreamWorld world({.delay = 9900us});
  world.connect(pattern(100));
  world.network_.run_for(1s);
  EXPECT_EQ(world.accepted_->remote_endpoint().address, ip("203.0.113.1"));
  EXPECT_EQ(world.got_, pattern(100));
  EXPECT_EQ(*world.connected_, Time{} + 2 * (100us + 100us + 9900us + 2ms + 100us));  // one round trip
}

TEST(Stream, ConnectTakesUnderASecondOnlyIfNoSynIsLost) {
  StreamWorld world({.up = false});
  world.connect();
  world.network_.run_for(500ms);
  world.network_.set_link(world.home_.node, {});
  ASSERT_TRUE(world.network_.run_until([&] { return world.connected_.has_value(); }, Time{} + 10s));
  EXPECT_GE(*world.connected_, Time{} + 1s);
  EXPECT_LT(*world.connected_, Time{} + 1100ms);
}

TEST(Stream, EveryByteArrivesInOrderThroughLossForEverySeed) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    StreamWorld world({.delay = 10ms, .loss_ppm = 50'000}, seed);
    const Bytes content = pattern(300'000);
    world.connect(content);
    ASSERT_TRUE(world.network_.run_until([&] { return world.got_.size() >= content.size(); }, Time{} + 300s))
        << "seed " << seed;
    EXPECT_EQ(world.got_, content) << "seed " << seed;
    world.stream_->close();
    ASSERT_TRUE(
        world.network_.run_until([&] { return world.server_end_ && world.client_end_; }, world.network_.now() + 60s));
    EXPECT_EQ(*world.server_end_, ErrorCode::closed);
  }
}

TEST(Stream, FillsARateLimitedLink) {
  StreamWorld world({.delay = 20ms, .up_bps = 10'000'000, .down_bps = 10'000'000, .queue_bytes = 64 * 1024});
  const Bytes content = pattern(5'000'000);
  world.connect(content);
  ASSERT_TRUE(world.network_.run_until([&] { return world.got_.size() >= content.size(); }, Time{} + 60s));
  const double rate = 8.0 * 5e6 / to_seconds(world.network_.now() - Time{});
  EXPECT_GT(rate, 0.7 * 10e6);
  EXPECT_LT(rate, 10e6);
}

TEST(Stream, SmallerMtuOnTheWayLowersTheSegmentSize) {
  StreamWorld world({.mtu = 1'300});
  const Bytes content = pattern(100'000);
  world.connect(content);
  ASSERT_TRUE(world.network_.run_until([&] { return world.got_.size() >= content.size(); }, Time{} + 20s));
  EXPECT_EQ(world.got_, content);
  EXPECT_GT(world.network_.drops(DropReason::too_big), 0u);
}

TEST(Stream, ReaderThatHasNotStartedHoldsTheSenderBack) {
  StreamWorld world({});
  std::unique_ptr<io::Stream> silent;
  world.listener_ = nullptr;
  world.listener_ = std::move(*world.server_->listen(
      {ip("192.0.2.1"), 443}, [&](std::unique_ptr<io::Stream> stream) { silent = std::move(stream); }));
  const Bytes content = pattern(2'000'000);
  world.connect(content);
  world.network_.run_for(20s);
  EXPECT_LE(world.written_, 600'000u);  // the window and the queue
  silent->start({.on_data = [&](ByteView bytes) { world.got_.insert(world.got_.end(), bytes.begin(), bytes.end()); }});
  ASSERT_TRUE(world.network_.run_until([&] { return world.got_.size() >= content.size(); }, Time{} + 60s));
  EXPECT_EQ(world.got_, content);
}

TEST(Stream, NoAnswerEndsInATimeout) {
  StreamWorld world({.loss_ppm = 1'000'000});
  world.connect();
  ASSERT_TRUE(world.network_.run_until([&] { return world.client_end_.has_value(); }, Time{} + 300s));
  EXPECT_EQ(*world.client_end_, ErrorCode::timeout);
  EXPECT_GE(world.network_.now(), Time{} + 120s);
}

TEST(Stream, CrashOfTheServerIsNoticedByItsResets) {
  StreamWorld world({});
  world.connect(pattern(10));
  world.network_.run_for(1s);
  world.server_->power_off();
  world.accepted_.reset();
  world.listener_.reset();
  world.network_.run_for(10s);
  EXPECT_FALSE(world.client_end_);  // an idle stream does not know
  world.server_->power_on();
  world.stream_->write(pattern(10));
  world.network_.run_for(1s);
  EXPECT_EQ(*world.client_end_, ErrorCode::io);
}

TEST(Stream, MappingThatIsGoneBreaksTheStreamByTimeout) {
  StreamWorld world({});
  world.connect(pattern(10));
  world.network_.run_for(1s);
  world.network_.restart_nat(world.home_.node);
  world.accepted_->write(pattern(10));
  ASSERT_TRUE(world.network_.run_until([&] { return world.server_end_.has_value(); }, Time{} + 3600s));
  EXPECT_EQ(*world.server_end_, ErrorCode::timeout);
}

}  // namespace
}  // namespace weft::fabric

// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/io/stream.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

/// One end of a stream and all that it was told.
struct End {
  std::unique_ptr<io::Stream> stream;
  Bytes data;
  bool connected = false;
  int closed = 0;
  ErrorCode code = ErrorCode::internal;

  io::StreamHandlers handlers() {
    return {.on_connected = [this] { connected = true; },
            .on_data = [this](ByteView bytes) { data.insert(data.end(), bytes.begin(), bytes.end()); },
            .on_writable = [] {},
            .on_closed =
                [this](const Error& error) {
                  ++closed;
                  code = error.code;
                }};
  }
};

class StreamContract : public HostContract, public testing::WithParamInterface<IpFamily> {
 protected:
  void listen() {
    auto listener = right_.host->listen({right_.address(GetParam()), 0}, [this](std::unique_ptr<io::Stream> stream) {
      server_.stream = std::move(stream);
      server_.stream->start(server_.handlers());
    });
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    address_ = {right_.address(GetParam()), listener_->local_endpoint().port};
  }
  void connect() {
    client_.stream = left_.host->connect(address_);
    client_.stream->start(client_.handlers());
  }
  void open_pair() {
    listen();
    connect();
    ASSERT_TRUE(run_until([&] { return client_.connected && server_.stream != nullptr; }));
  }

  std::unique_ptr<io::StreamListener> listener_;
  Endpoint address_;
  End client_, server_;
};

TEST_P(StreamContract, CarriesBytesBothWays) {
  open_pair();
  EXPECT_EQ(client_.stream->write(as_bytes("to the server")), 13u);
  EXPECT_EQ(server_.stream->write(as_bytes("to the client")), 13u);
  ASSERT_TRUE(run_until([&] { return server_.data.size() == 13 && client_.data.size() == 13; }));
  EXPECT_EQ(as_text(server_.data), "to the server");
  EXPECT_EQ(as_text(client_.data), "to the client");
}

TEST_P(StreamContract, NamesBothEnds) {
  open_pair();
  EXPECT_EQ(client_.stream->remote_endpoint(), address_);
  EXPECT_EQ(server_.stream->local_endpoint(), address_);
  EXPECT_EQ(server_.stream->remote_endpoint(), client_.stream->local_endpoint());
}

TEST_P(StreamContract, BytesWrittenBeforeTheConnectionArrive) {
  listen();
  connect();
  EXPECT_EQ(client_.stream->write(as_bytes("early")), 5u);
  ASSERT_TRUE(run_until([&] { return server_.data.size() == 5; }));
  EXPECT_EQ(as_text(server_.data), "early");
}

TEST_P(StreamContract, ConnectionToAClosedPortIsRefused) {
  listen();
  listener_.reset();
  connect();
  ASSERT_TRUE(run_until([&] { return client_.closed > 0; }));
  EXPECT_EQ(client_.code, ErrorCode::refused);
  EXPECT_FALSE(client_.connected);
  run_for(20ms);
  EXPECT_EQ(client_.closed, 1);
}

TEST_P(StreamContract, BigTransferKeepsToTheQueueLimit) {
  listen();
  constexpr std::size_t kTotal = 4 * 1024 * 1024;
  Bytes content(kTotal);
  for (std::size_t i = 0; i < kTotal; ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  std::size_t written = 0;
  bool fell_short = false;
  const auto pump = [&] {
    const std::size_t taken = client_.stream->write(ByteView{content}.subspan(written));
    written += taken;
    fell_short |= written < kTotal;
    EXPECT_LE(client_.stream->queued(), io::kStreamQueueLimit);
  };
  client_.stream = left_.host->connect(address_);
  auto handlers = client_.handlers();
  handlers.on_connected = pump;
  handlers.on_writable = pump;
  client_.stream->start(std::move(handlers));
  ASSERT_TRUE(run_until([&] { return server_.data.size() >= kTotal; }, 30s));
  EXPECT_TRUE(fell_short);
  EXPECT_EQ(server_.data, content);
}

TEST_P(StreamContract, CloseDeliversWhatIsQueuedThenTellsBothEnds) {
  open_pair();
  const Bytes content(200'000, 5);
  ASSERT_EQ(client_.stream->write(content), content.size());
  client_.stream->close();
  EXPECT_EQ(client_.closed, 0);
  ASSERT_TRUE(run_until([&] { return server_.closed > 0; }));
  EXPECT_EQ(server_.code, ErrorCode::closed);
  EXPECT_EQ(server_.data, content);
  server_.stream->close();
  ASSERT_TRUE(run_until([&] { return client_.closed > 0; }));
  EXPECT_EQ(client_.stream->write(as_bytes("late")), 0u);
  run_for(20ms);
  EXPECT_EQ(server_.closed, 1);
  EXPECT_EQ(client_.closed, 1);
}

TEST_P(StreamContract, DestructionEndsTheStreamAtOnce) {
  open_pair();
  client_.stream.reset();
  ASSERT_TRUE(run_until([&] { return server_.closed > 0; }));
  EXPECT_EQ(client_.closed, 0);
}

TEST_P(StreamContract, ConnectedHandlerMayDestroyItsStream) {
  listen();
  bool destroyed = false;
  auto handlers = client_.handlers();
  handlers.on_connected = [&] {
    client_.stream.reset();
    destroyed = true;
  };
  client_.stream = left_.host->connect(address_);
  client_.stream->start(std::move(handlers));
  ASSERT_TRUE(run_until([&] { return destroyed; }));
  run_for(20ms);
  EXPECT_EQ(client_.closed, 0);
}

TEST_P(StreamContract, DataAndClosedHandlersMayDestroyTheirStreams) {
  listen();
  client_.stream = left_.host->connect(address_);
  auto handlers = client_.handlers();
  handlers.on_closed = [&](const Error&) {
    client_.stream.reset();
    ++client_.closed;
  };
  handlers.on_data = [&](ByteView bytes) {
    const Bytes copy = to_bytes(bytes);
    client_.stream.reset();
    client_.data = copy;
  };
  client_.stream->start(std::move(handlers));
  ASSERT_TRUE(run_until([&] { return server_.stream != nullptr; }));
  server_.stream->write(Bytes{1, 2, 3});
  ASSERT_TRUE(run_until([&] { return !client_.data.empty() && server_.closed == 1; }));
  EXPECT_EQ(client_.closed, 0);

  server_.stream.reset();
  client_.stream = left_.host->connect(address_);
  handlers = client_.handlers();
  handlers.on_closed = [&](const Error&) {
    client_.stream.reset();
    ++client_.closed;
  };
  client_.stream->start(std::move(handlers));
  ASSERT_TRUE(run_until([&] { return server_.stream != nullptr; }));
  server_.stream->close();
  EXPECT_TRUE(run_until([&] { return client_.closed == 1; }));
}

TEST_P(StreamContract, NothingIsDeliveredInsideACall) {
  listen();
  bool inside = true;
  client_.stream = left_.host->connect(address_);
  auto handlers = client_.handlers();
  handlers.on_connected = [&] {
    EXPECT_FALSE(inside);
    client_.connected = true;
  };
  client_.stream->start(std::move(handlers));
  inside = false;
  EXPECT_TRUE(run_until([&] { return client_.connected; }));
}

TEST_P(StreamContract, SecondListenerOnAPortIsRefused) {
  listen();
  const auto second = right_.host->listen(address_, [](std::unique_ptr<io::Stream>) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_taken);
}

/// A shared port at one host, and all streams that came to be by it.
struct PortEnd {
  std::unique_ptr<io::StreamPort> port;
  std::vector<std::unique_ptr<End>> ends;

  void start(std::unique_ptr<io::Stream> stream) {
    ends.push_back(std::make_unique<End>());
    ends.back()->stream = std::move(stream);
    ends.back()->stream->start(ends.back()->handlers());
  }
  bool open(const ContractHost& host, IpFamily family) {
    auto opened = host.host->open_stream_port({host.address(family), 0}, [this](std::unique_ptr<io::Stream> stream) {
      start(std::move(stream));
      ends.back()->connected = true;
    });
    if (opened) port = std::move(*opened);
    return opened.has_value();
  }
  End* live() {
    for (const auto& end : ends) {
      if (end->connected && end->closed == 0) return end.get();
    }
    return nullptr;
  }
};

/// Which of them it is, the crossing of the first packets decides: one that connected on both sides, or one that was
/// accepted on one.
TEST_P(StreamContract, TwoPortsThatConnectToEachOtherShareAStream) {
  PortEnd left, right;
  ASSERT_TRUE(left.open(left_, GetParam()));
  ASSERT_TRUE(right.open(right_, GetParam()));
  left.start(left.port->connect(right.port->local_endpoint()));
  right.start(right.port->connect(left.port->local_endpoint()));
  ASSERT_TRUE(run_until([&] { return left.live() && right.live(); }));
  EXPECT_EQ(left.live()->stream->remote_endpoint(), right.port->local_endpoint());
  EXPECT_EQ(right.live()->stream->remote_endpoint(), left.port->local_endpoint());
  left.live()->stream->write(as_bytes("to the right"));
  right.live()->stream->write(as_bytes("to the left"));
  ASSERT_TRUE(run_until([&] { return left.live()->data.size() == 11 && right.live()->data.size() == 12; }));
}

TEST_P(StreamContract, APortAcceptsWhileItConnectsElsewhere) {
  PortEnd left;
  ASSERT_TRUE(left.open(left_, GetParam()));
  listen();
  left.start(left.port->connect(address_));
  ASSERT_TRUE(run_until([&] { return left.live() && server_.stream; }));
  EXPECT_EQ(server_.stream->remote_endpoint(), left.port->local_endpoint());
  client_.stream = right_.host->connect(left.port->local_endpoint());
  client_.stream->start(client_.handlers());
  EXPECT_TRUE(run_until([&] { return client_.connected && left.ends.size() == 2; }));
  left.start(left.port->connect(address_));
  EXPECT_TRUE(run_until([&] { return left.ends.back()->closed == 1; })) << "a second stream to one remote";
}

INSTANTIATE_TEST_SUITE_P(Families, StreamContract, testing::Values(IpFamily::v4, IpFamily::v6),
                         [](const auto& family) { return family.param == IpFamily::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace weft::contract

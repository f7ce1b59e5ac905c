// SPDX-License-Identifier: BSD-3-Clause
#include <optional>

#include "mesh/io/stream.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

/// One end of a stream and what it was told.
struct End {
  std::unique_ptr<io::Stream> stream;
  Bytes received;
  bool connected = false;
  bool writable = false;
  std::optional<Error> closed;

  void start() {
    stream->start({.on_connected = [this] { connected = true; },
                   .on_data = [this](ByteView bytes) { received.insert(received.end(), bytes.begin(), bytes.end()); },
                   .on_writable = [this] { writable = true; },
                   .on_closed = [this](const Error& error) { closed = error; }});
  }
};

class StreamTest : public LoopTest {
 protected:
  void connect_pair() {
    auto listener = host_->listen(loopback(), [this](std::unique_ptr<io::Stream> stream) {
      server_.stream = std::move(stream);
      server_.start();
    });
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    client_.stream = host_->connect(listener_->local_endpoint());
    client_.start();
    ASSERT_TRUE(run_until([&] { return client_.connected && server_.stream; }));
  }

  std::unique_ptr<io::StreamListener> listener_;
  End client_, server_;
};

TEST_F(StreamTest, CarriesMoreThanItsQueueInOrderAndSaysWhenThereIsRoomAgain) {
  connect_pair();
  Bytes sent(8 * 1024 * 1024);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 31 >> 3);
  std::size_t offset = 0;
  bool short_write = false;
  while (offset < sent.size()) {
    client_.writable = false;
    const std::size_t taken = client_.stream->write(ByteView(sent).subspan(offset));
    offset += taken;
    EXPECT_LE(client_.stream->queued(), io::kStreamQueueLimit);
    if (offset == sent.size()) break;
    short_write = true;
    ASSERT_TRUE(run_until([&] { return client_.writable; }));
    EXPECT_LT(client_.stream->queued(), io::kStreamQueueLimit / 2);
  }
  EXPECT_TRUE(short_write);
  client_.stream->close();
  ASSERT_TRUE(run_until([&] { return server_.closed && client_.closed; }));
  EXPECT_EQ(server_.received, sent);
  EXPECT_EQ(server_.closed->code, ErrorCode::closed);
  EXPECT_EQ(client_.closed->code, ErrorCode::closed);
}

TEST_F(StreamTest, SendsWhatIsQueuedAlthoughTheClosedStreamIsDestroyed) {
  connect_pair();
  const Bytes sent(io::kStreamQueueLimit, 7);
  EXPECT_EQ(client_.stream->write(sent), sent.size());
  client_.stream->close();
  client_.stream.reset();
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.received, sent);
  EXPECT_FALSE(client_.closed);
}

TEST_F(StreamTest, RefusalsArriveThroughOnClosed) {
  connect_pair();
  const Endpoint nobody = listener_->local_endpoint();
  listener_.reset();
  End end;
  end.stream = host_->connect(nobody);
  end.start();
  EXPECT_FALSE(end.closed);
  ASSERT_TRUE(run_until([&] { return end.closed.has_value(); }));
  EXPECT_EQ(end.closed->code, ErrorCode::refused);
  EXPECT_FALSE(end.connected);
}

TEST_F(StreamTest, DestructionEndsTheOtherSide) {
  connect_pair();
  server_.stream.reset();
  ASSERT_TRUE(run_until([&] { return client_.closed.has_value(); }));
  EXPECT_FALSE(server_.closed);
}

TEST_F(StreamTest, RefusesATakenPort) {
  connect_pair();
  const auto again = host_->listen(listener_->local_endpoint(), [](std::unique_ptr<io::Stream>) {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::port_taken);
}

TEST_F(StreamTest, LocalSocketsNameTheirPeerAndReplaceWhatADeadProcessLeft) {
  const std::string path = (directory_ / "run" / "weft.sock").string();
  auto ignore = [](std::unique_ptr<io::Stream>, PeerCredentials) {};
  auto listener = host_->listen_local(path, ignore);
  ASSERT_TRUE(listener) << listener.error().message;
  const auto second = host_->listen_local(path, ignore);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_taken);
  std::filesystem::rename(path, path + ".kept");  // as if the process had been killed: its destructor finds nothing
  listener->reset();
  std::filesystem::rename(path + ".kept", path);
  EXPECT_TRUE(host_->listen_local(path, ignore));
}

}  // namespace
}  // namespace weft::host

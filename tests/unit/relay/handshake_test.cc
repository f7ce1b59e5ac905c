// SPDX-License-Identifier: BSD-3-Clause
// The handshake as an attacker sees it: frames recorded, changed, cut and replayed.
#include "mesh/relay/handshake.h"

#include <gtest/gtest.h>

#include "mesh/relay/admission.h"
#include "mesh/relay/client_session.h"
#include "mesh/relay/server_session.h"
#include "tests/support/seeded_entropy.h"

namespace weft::relay {
namespace {

const Time kNow{1h};
const WallTime kWall{24h * 365 * 56};

class HandshakeTest : public ::testing::Test {
 protected:
  test::SeededEntropy entropy{1};
  SeededRandom random{1, "handshake"};
  crypto::SigningKey coordinator = crypto::SigningKey::generate(entropy);
  ServerConfig config{.identity = crypto::SigningKey::generate(entropy), .coordinator = coordinator.verify_key()};
  crypto::PrivateKey node = crypto::PrivateKey::generate(entropy);

  ServerSession server() { return ServerSession(kNow, config, entropy); }
  ClientSession client(const crypto::PrivateKey& key) {
    ClientSession session(
        {.node_key = key, .admission = sign({node.public_key(), kWall + 1h}, coordinator), .relay_key = {}}, random);
    session.start(kNow);
    return session;
  }
  static void feed(ServerSession& session, ByteView bytes) {
    session.push(bytes);
    while (session.next(kNow, kWall)) {
    }
  }
  /// The client_hello that an honest client answers to `hello`, as on the wire.
  Bytes honest_answer(ByteView hello) {
    ClientSession honest = client(node);
    honest.handle_data(kNow, hello);
    return *honest.poll_write();
  }
};

TEST_F(HandshakeTest, LetsAnHonestClientIn) {
  ServerSession session = server();
  feed(session, honest_answer(*session.poll_write()));
  EXPECT_TRUE(session.ready());
  EXPECT_EQ(session.node_key(), node.public_key());
}

TEST_F(HandshakeTest, RefusesAReplayedProof) {
  ServerSession first = server();
  const Bytes recorded = honest_answer(*first.poll_write());
  feed(first, recorded);
  ASSERT_TRUE(first.ready());
  ServerSession second = server();
  feed(second, recorded);
  EXPECT_EQ(second.reason(), RelayError::wrong_proof);
}

TEST_F(HandshakeTest, RefusesAProofByAnotherKey) {
  ServerSession session = server();
  const Bytes hello = *session.poll_write();
  ClientSession thief = client(crypto::PrivateKey::generate(entropy));  // has the victim's admission, not its key
  thief.handle_data(kNow, hello);
  Bytes answer = *thief.poll_write();
  std::ranges::copy(node.public_key().bytes(), answer.begin() + 4);  // and names the victim's key
  feed(session, answer);
  EXPECT_EQ(session.reason(), RelayError::wrong_proof);
}

TEST_F(HandshakeTest, RefusesEveryFlippedBitOfTheAnswer) {
  ServerSession reference = server();
  const Bytes hello = *reference.poll_write();
  const Bytes answer = honest_answer(hello);
  for (std::size_t bit = 16; bit < answer.size() * 8; ++bit) {  // behind the length
    test::SeededEntropy same(2);
    ServerSession session(kNow, config, same);
    Bytes changed = honest_answer(*session.poll_write());
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    feed(session, changed);
    // The top bit of an X25519 key is ignored by the curve, but not by the proof.
    ASSERT_TRUE(session.closed()) << "bit " << bit;
    ASSERT_FALSE(session.ready());
  }
}

TEST_F(HandshakeTest, NeverGoesOnFromATruncatedAnswer) {
  ServerSession reference = server();
  const Bytes hello = *reference.poll_write();
  const Bytes answer = honest_answer(hello);
  for (std::size_t size = 0; size < answer.size(); ++size) {
    feed(reference, {});
    ServerSession session = server();
    static_cast<void>(session.poll_write());
    feed(session, ByteView(answer).first(size));
    EXPECT_FALSE(session.ready() || session.closed()) << size;  // waits
    Bytes shortened(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(size));
    if (size < 4) continue;
    store_u16be(shortened.data(), static_cast<std::uint16_t>(size - kLengthSize));
    ServerSession other = server();
    feed(other, shortened);
    EXPECT_TRUE(other.closed()) << size;
  }
}

TEST_F(HandshakeTest, RefusesAnotherVersionBeforeAnythingElse) {
  ServerSession session = server();
  Bytes answer = honest_answer(*session.poll_write());
  answer[3] = 2;
  feed(session, answer);
  EXPECT_EQ(session.reason(), RelayError::unsupported_version);

  ServerSession other = server();
  Bytes hello = *other.poll_write();
  hello[3] = 2;
  ClientSession from_the_past = client(node);
  from_the_past.handle_data(kNow, hello);
  EXPECT_EQ(std::get<Failed>(*from_the_past.poll_event()).reason, RelayError::unsupported_version);
}

TEST_F(HandshakeTest, RefusesALowOrderKey) {
  ServerSession session = server();
  Bytes answer = honest_answer(*session.poll_write());
  std::fill(answer.begin() + 4, answer.begin() + 36, std::uint8_t{0});
  feed(session, answer);
  EXPECT_EQ(session.reason(), RelayError::wrong_proof);
}

TEST_F(HandshakeTest, RefusesFramesThatBelongToAReadySession) {
  for (const FrameType type : {FrameType::send, FrameType::ping, FrameType::admission, FrameType::welcome,
                               FrameType::relay_hello, static_cast<FrameType>(99)}) {
    ServerSession session = server();
    Bytes frame;
    append_frame(frame, type, Bytes(40));
    feed(session, frame);
    EXPECT_EQ(session.reason(), RelayError::malformed);
  }
}

TEST_F(HandshakeTest, SkipsFramesOfLaterVersionsOnceReady) {
  ServerSession session = server();
  feed(session, honest_answer(*session.poll_write()));
  Bytes frame;
  append_frame(frame, static_cast<FrameType>(200), Bytes(40));
  feed(session, frame);
  EXPECT_TRUE(session.ready());
  Bytes hello_again;
  append_frame(hello_again, FrameType::client_hello, Bytes(200));
  feed(session, hello_again);
  EXPECT_EQ(session.reason(), RelayError::malformed);
}

TEST_F(HandshakeTest, IsRefusedByAClientWhenTheWelcomeIsNotFromTheHelloSpeaker) {
  ServerSession session = server();
  ClientSession honest = client(node);
  honest.handle_data(kNow, *session.poll_write());
  feed(session, *honest.poll_write());
  Bytes welcome = *session.poll_write();
  welcome.back() ^= 1;
  honest.handle_data(kNow, welcome);
  EXPECT_EQ(std::get<Failed>(*honest.poll_event()).reason, RelayError::wrong_proof);
}

}  // namespace
}  // namespace weft::relay

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/secure_channel.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_entropy.h"

namespace weft::control {
namespace {

struct Pair {
  test::SeededEntropy entropy{1};
  crypto::PrivateKey client_key = crypto::PrivateKey::generate(entropy);
  crypto::PrivateKey server_key = crypto::PrivateKey::generate(entropy);
  SecureChannel client = SecureChannel::initiator(client_key, server_key.public_key(), entropy);
  SecureChannel server = SecureChannel::responder(server_key, entropy);

  void connect() {
    ASSERT_TRUE(server.handle_data(*client.poll_write()));
    ASSERT_TRUE(client.handle_data(*server.poll_write()));
    ASSERT_TRUE(client.established() && server.established());
  }
};

void trickle(const Bytes& bytes, SecureChannel& to) {
  for (const std::uint8_t& byte : bytes) ASSERT_TRUE(to.handle_data({&byte, 1}));
}

TEST(SecureChannel, EachSideLearnsTheOthersKeyAndMessagesPass) {
  Pair pair;
  pair.connect();
  EXPECT_EQ(pair.server.remote_key(), pair.client_key.public_key());
  pair.client.send(as_bytes("up"));
  pair.server.send(as_bytes("down"));
  ASSERT_TRUE(pair.server.handle_data(*pair.client.poll_write()));
  ASSERT_TRUE(pair.client.handle_data(*pair.server.poll_write()));
  EXPECT_EQ(as_text(*pair.server.poll_message()), "up");
  EXPECT_EQ(as_text(*pair.client.poll_message()), "down");
  EXPECT_FALSE(pair.client.poll_message());
}

TEST(SecureChannel, BytesMayArriveOneByOne) {
  Pair pair;
  trickle(*pair.client.poll_write(), pair.server);
  trickle(*pair.server.poll_write(), pair.client);
  pair.client.send(as_bytes("slow"));
  trickle(*pair.client.poll_write(), pair.server);
  EXPECT_EQ(as_text(*pair.server.poll_message()), "slow");
}

TEST(SecureChannel, LongMessagesAreSplitAndJoined) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{65518}, std::size_t{65519}, std::size_t{400'000}}) {
    Pair pair;
    pair.connect();
    pair.client.set_message_limit(kServerMessageLimit);
    Bytes message(size);
    for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<std::uint8_t>(i * 31);
    pair.server.send(message);
    ASSERT_TRUE(pair.client.handle_data(*pair.server.poll_write()));
    EXPECT_EQ(pair.client.poll_message(), message) << size;
  }
}

TEST(SecureChannel, MessageAboveTheLimitIsRefused) {
  Pair pair;
  pair.connect();
  pair.client.send(Bytes(kClientMessageLimit + 1));
  EXPECT_EQ(pair.server.handle_data(*pair.client.poll_write()).error(), ControlError::too_large);
  EXPECT_FALSE(pair.server.poll_message());
}

TEST(SecureChannel, ServerWithAnotherKeyTurnsTheClientAway) {
  Pair pair;
  auto impostor = SecureChannel::responder(crypto::PrivateKey::generate(pair.entropy), pair.entropy);
  EXPECT_EQ(impostor.handle_data(*pair.client.poll_write()).error(), ControlError::wrong_key);
  EXPECT_EQ(pair.client.handle_data(*impostor.poll_write()).error(), ControlError::wrong_key);
  EXPECT_FALSE(pair.client.established());
}

TEST(SecureChannel, ForgedAnswerIsAWrongKey) {
  Pair pair;
  ASSERT_TRUE(pair.server.handle_data(*pair.client.poll_write()));
  Bytes answer = *pair.server.poll_write();
  answer.back() ^= 1;
  EXPECT_EQ(pair.client.handle_data(answer).error(), ControlError::wrong_key);
}

TEST(SecureChannel, ReplayedFirstMessageGivesNoUsableSession) {
  Pair pair;
  const Bytes first = *pair.client.poll_write();
  ASSERT_TRUE(pair.server.handle_data(first));
  ASSERT_TRUE(pair.client.handle_data(*pair.server.poll_write()));
  pair.client.send(as_bytes("secret"));
  const Bytes second = *pair.client.poll_write();

  auto again = SecureChannel::responder(pair.server_key, pair.entropy);
  ASSERT_TRUE(again.handle_data(first));  // IK's first message can be replayed; that is why it carries nothing
  EXPECT_EQ(again.handle_data(second).error(), ControlError::bad_tag);
  EXPECT_FALSE(again.poll_message());
}

TEST(SecureChannel, AlteredReplayedAndReorderedFramesAreRefused) {
  const auto refuses = [](auto change) {
    Pair pair;
    pair.connect();
    pair.client.send(as_bytes("one"));
    const Bytes one = *pair.client.poll_write();
    pair.client.send(as_bytes("two"));
    const Bytes two = *pair.client.poll_write();
    const auto done = pair.server.handle_data(change(one, two));
    return !done && done.error() == ControlError::bad_tag;
  };
  const auto join = [](Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  EXPECT_FALSE(refuses([&](Bytes one, Bytes two) { return join(one, two); }));
  EXPECT_TRUE(refuses([&](Bytes one, Bytes two) { return join(two, one); }));
  EXPECT_TRUE(refuses([&](Bytes one, Bytes) { return join(one, one); }));
  EXPECT_TRUE(refuses([&](Bytes one, Bytes two) {
    one[5] ^= 4;
    return join(one, two);
  }));
}

TEST(SecureChannel, AnotherVersionIsNamedAsSuchOnBothSides) {
  Pair pair;
  Bytes first = *pair.client.poll_write();
  first[2] = 2;
  EXPECT_EQ(pair.server.handle_data(first).error(), ControlError::bad_version);
  EXPECT_EQ(pair.client.handle_data(*pair.server.poll_write()).error(), ControlError::bad_version);
}

TEST(SecureChannel, HugeHandshakeFrameIsRefusedBeforeItArrives) {
  Pair pair;
  const std::uint8_t length[] = {0xFF, 0xFF};
  EXPECT_EQ(pair.server.handle_data(length).error(), ControlError::malformed);
}

}  // namespace
}  // namespace weft::control

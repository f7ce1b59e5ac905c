// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/keypair.h"

#include <gtest/gtest.h>

#include "mesh/wireguard/index_table.h"
#include "mesh/wireguard/session_table.h"
#include "mesh/wireguard/sessions.h"
#include "mesh/wireguard/staged_packets.h"

namespace weft::wireguard {
namespace {

class KeypairRotation : public testing::Test {
 protected:
  SeededRandom random_{1, "keypairs"};
  IndexTable indices_{random_};
  SessionTable sessions_;
  Keypairs keypairs_{1, sessions_};

  std::unique_ptr<Keypair> make(bool initiator, Time created = {}) {
    const std::uint32_t index = indices_.add(1);
    auto keypair =
        std::make_unique<Keypair>(TransportKeys{}, crypto::AeadImplementation::best, initiator, created, index, 0);
    sessions_.add(nullptr, keypair.get());
    return keypair;
  }
  Keypair* initiate(Time created = {}) {
    auto keypair = make(true, created);
    Keypair* const raw = keypair.get();
    keypairs_.add_initiated(std::move(keypair));
    return raw;
  }
  Keypair* respond(Time created = {}) {
    auto keypair = make(false, created);
    Keypair* const raw = keypair.get();
    keypairs_.add_responded(std::move(keypair));
    return raw;
  }
  /// current, previous, next; and nothing else can be found by its index.
  void expect(const Keypair* current, const Keypair* previous, const Keypair* next) {
    EXPECT_EQ(keypairs_.current(), current);
    EXPECT_EQ(keypairs_.previous(), previous);
    EXPECT_EQ(keypairs_.next(), next);
    EXPECT_EQ(sessions_.size(),
              static_cast<std::size_t>((current != nullptr) + (previous != nullptr) + (next != nullptr)));
  }
};

TEST_F(KeypairRotation, AnInitiatorSendsUnderTheNewKeysAtOnceAndKeepsTheOldForWhatIsUnderWay) {
  const auto a = initiate();
  expect(a, nullptr, nullptr);
  const auto b = initiate();
  expect(b, a, nullptr);
  const auto c = initiate();
  expect(c, b, nullptr);
}

TEST_F(KeypairRotation, AResponderWaitsForTheFirstPacket) {
  const auto a = initiate();
  const auto b = respond();
  expect(a, nullptr, b);
  EXPECT_FALSE(keypairs_.confirm(a));
  EXPECT_TRUE(keypairs_.confirm(b));
  expect(b, a, nullptr);
  EXPECT_FALSE(keypairs_.confirm(b));
}

TEST_F(KeypairRotation, ANewerResponseReplacesTheUnconfirmedOne) {
  const auto a = initiate();
  respond();
  const auto c = respond();
  expect(a, nullptr, c);
}

TEST_F(KeypairRotation, WhenBothBeginTheUnconfirmedOneStillReceives) {
  initiate();
  const auto b = respond();
  const auto c = initiate();
  expect(c, b, nullptr);
}

TEST_F(KeypairRotation, EachExpiresByItsOwnAge) {
  const Limits limits;
  const auto a = initiate(Time{Duration(0s)});
  const auto b = initiate(Time{Duration(100s)});
  keypairs_.expire(Time{Duration(180s)} - 1ns, limits);
  expect(b, a, nullptr);
  keypairs_.expire(Time{Duration(180s)}, limits);
  expect(b, nullptr, nullptr);
  keypairs_.expire(Time{Duration(280s)}, limits);
  expect(nullptr, nullptr, nullptr);
  EXPECT_TRUE(keypairs_.empty());
}

TEST(Sessions, TheYoungestThatSendsIsTheCurrentOneAndTheOldestExpiresFirst) {
  Sessions sessions;
  EXPECT_EQ(sessions.current(), nullptr);
  EXPECT_FALSE(sessions.oldest());
  sessions.add({.index = 1, .created = Time{Duration(10s)}, .initiator = true, .sends = true});
  sessions.add({.index = 2, .created = Time{Duration(20s)}});
  EXPECT_EQ(sessions.current()->index, 1u);
  sessions.confirm(2);
  EXPECT_EQ(sessions.current()->index, 2u);
  sessions.add({.index = 3, .created = Time{Duration(30s)}});
  sessions.add({.index = 4, .created = Time{Duration(40s)}, .initiator = true, .sends = true});
  sessions.confirm(3);  // told late: the lane had not heard of 4
  EXPECT_EQ(sessions.current()->index, 4u);
  sessions.forget_until(Time{Duration(10s)});
  EXPECT_EQ(sessions.oldest(), Time{Duration(20s)});
  for (const std::uint32_t index : {2, 3, 4}) sessions.remove(index);
  EXPECT_TRUE(sessions.empty());
}

TEST(IndexTable, GivesDistinctIndices) {
  SeededRandom random(1, "indices");
  IndexTable table(random);
  for (int i = 0; i < 1000; ++i) table.add(1);
  EXPECT_EQ(table.size(), 1000u);
}

TEST(StagedPackets, AreBoundedInNumberAndBytes) {
  StagedPackets few, many;
  std::size_t dropped = 0;
  const Bytes big(10'000), small(100);
  for (int i = 0; i < 100; ++i) dropped += few.push(big, big.size());
  EXPECT_EQ(100 - dropped, kMaxStagedBytes / (big.size() + 32));
  EXPECT_EQ(few.clear(), 100 - dropped);
  EXPECT_EQ(few.push(small, small.size()), 0u);  // the bytes are given back too
  dropped = 0;
  for (int i = 0; i < 200; ++i) dropped += many.push(small, 112);
  EXPECT_EQ(dropped, 200 - kMaxStagedPackets);
  EXPECT_EQ(many.pop().size(), 112u + 32u);
}

}  // namespace
}  // namespace weft::wireguard

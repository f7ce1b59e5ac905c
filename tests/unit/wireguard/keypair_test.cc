// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/keypair.h"

#include <gtest/gtest.h>

#include "mesh/wireguard/index_table.h"
#include "mesh/wireguard/staged_packets.h"

namespace weft::wireguard {
namespace {

class KeypairRotation : public testing::Test {
 protected:
  SeededRandom random_{1, "keypairs"};
  IndexTable indices_{random_};
  Keypairs keypairs_{indices_};

  std::unique_ptr<Keypair> make(bool initiator, Time created = {}) {
    const std::uint32_t index = indices_.add(nullptr);
    auto keypair =
        std::make_unique<Keypair>(TransportKeys{}, crypto::AeadImplementation::best, initiator, created, index, 0);
    indices_.attach(index, keypair.get());
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
    EXPECT_EQ(indices_.size(),
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
  EXPECT_EQ(keypairs_.next_expiry(limits), Time{Duration(180s)});
  keypairs_.expire(Time{Duration(180s)} - 1ns, limits);
  expect(b, a, nullptr);
  keypairs_.expire(Time{Duration(180s)}, limits);
  expect(b, nullptr, nullptr);
  keypairs_.expire(Time{Duration(280s)}, limits);
  expect(nullptr, nullptr, nullptr);
  EXPECT_TRUE(keypairs_.empty());
  EXPECT_FALSE(keypairs_.next_expiry(limits));
}

TEST(IndexTable, GivesDistinctIndices) {
  SeededRandom random(1, "indices");
  IndexTable table(random);
  for (int i = 0; i < 1000; ++i) table.add(nullptr);
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

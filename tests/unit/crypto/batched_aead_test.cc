// SPDX-License-Identifier: BSD-3-Clause
// Aead's implementations against RFC 8439, against each other and against libsodium.
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "mesh/crypto/aead.h"

namespace weft::crypto {
namespace {

constexpr std::uint8_t kCanary = 0xa5;

std::string name_of(AeadImplementation implementation) {
  constexpr const char* kNames[] = {"best", "openssl", "avx2", "avx512"};
  return kNames[static_cast<std::size_t>(implementation)];
}

SymmetricKey key_of(Random& random) {
  SymmetricKey key;
  random.fill(key.mutable_bytes());
  return key;
}

/// Packets in one buffer, each at its own alignment, with canaries between them.
class Packets {
 public:
  void add(Random& random, std::size_t length, std::size_t alignment) {
    at_.push_back((bytes_.size() + 15) / 16 * 16 + alignment);
    bytes_.resize(at_.back(), kCanary);
    bytes_.resize(at_.back() + length);
    random.fill(MutableByteView(bytes_).subspan(at_.back(), length));
    bytes_.resize(bytes_.size() + kAeadTagSize);
    bytes_.resize(bytes_.size() + 1 + random.next() % 5, kCanary);
    lengths_.push_back(length);
    counters_.push_back(random.next());
  }
  std::vector<AeadItem> items() {
    std::vector<AeadItem> items;
    for (std::size_t i = 0; i < at_.size(); ++i) items.push_back({counters_[i], &bytes_[at_[i]], lengths_[i]});
    return items;
  }
  void clear() { *this = {}; }
  const Bytes& bytes() const { return bytes_; }
  void fill_tags(std::uint8_t value) {
    for (std::size_t i = 0; i < at_.size(); ++i) std::fill_n(&bytes_[at_[i] + lengths_[i]], kAeadTagSize, value);
  }

 private:
  Bytes bytes_;
  std::vector<std::size_t> at_, lengths_;
  std::vector<std::uint64_t> counters_;
};

bool all_ok(const std::vector<AeadItem>& items) {
  return std::all_of(items.begin(), items.end(), [](const AeadItem& item) { return item.ok; });
}

class BatchedAead : public testing::TestWithParam<AeadImplementation> {
 protected:
  void SetUp() override {
    if (!available(GetParam())) GTEST_SKIP() << "no " << name_of(GetParam()) << " in this build or processor";
  }
  /// Seals and opens a batch; what OpenSSL makes of it is the reference.
  void check(const SymmetricKey& key, Packets& packets) {
    Packets expected = packets;
    auto reference = expected.items();
    Aead(key, AeadImplementation::openssl).seal(reference);
    const Packets plain = packets;
    auto items = packets.items();
    Aead aead(key, GetParam());
    aead.seal(items);
    ASSERT_EQ(packets.bytes() == expected.bytes(), true) << "seal";
    for (auto& item : items) item.ok = false;
    aead.open(items);
    ASSERT_TRUE(all_ok(items)) << "open";
    Packets opened = packets, before = plain;
    opened.fill_tags(0);
    before.fill_tags(0);
    ASSERT_EQ(opened.bytes() == before.bytes(), true) << "open";
  }
};

/// What libsodium makes of the packets one by one.
void seal_with_libsodium(const SymmetricKey& key, Packets& packets) {
  for (const auto& item : packets.items()) {
    const Bytes sealed = aead_seal(key, item.counter, ByteView(item.data, item.length), {});
    std::ranges::copy(sealed, item.data);
  }
}

TEST_P(BatchedAead, AgreesWithOpensslOnEveryLengthAtEveryAlignment) {
  SeededRandom random(1, "lengths");
  const SymmetricKey key = key_of(random);
  for (std::size_t alignment = 0; alignment < 16; ++alignment) {
    Packets packets;
    std::size_t batch = 1;
    for (std::size_t length = 0; length <= 1600; ++length) {
      packets.add(random, (length * 577) % 1601, (alignment + length) % 16);
      if (packets.items().size() < batch && length < 1600) continue;
      ASSERT_NO_FATAL_FAILURE(check(key, packets)) << "alignment " << alignment << ", batch " << batch;
      packets.clear();
      batch = batch % 70 + 1;
    }
  }
}

TEST_P(BatchedAead, AgreesWithLibsodiumOnEveryLength) {
  SeededRandom random(2, "libsodium");
  const SymmetricKey key = key_of(random);
  Packets packets;
  for (std::size_t length = 0; length <= 1600; ++length) packets.add(random, length, length % 16);
  Packets expected = packets;
  seal_with_libsodium(key, expected);
  auto items = packets.items();
  Aead(key, GetParam()).seal(items);
  ASSERT_EQ(packets.bytes() == expected.bytes(), true);
}

TEST_P(BatchedAead, SealsTheLongestPackets) {
  SeededRandom random(3, "longest");
  const SymmetricKey key = key_of(random);
  for (std::size_t batch : {1, 2, 3, 5, 9, 17}) {
    Packets packets;
    for (std::size_t i = 0; i < batch; ++i) packets.add(random, 65535 - i * (random.next() % 300), i);
    ASSERT_NO_FATAL_FAILURE(check(key, packets)) << batch;
  }
}

// Blocks of all ones make the largest limbs that Poly1305 can meet, and the sums that the last reduction must see.
TEST_P(BatchedAead, CarriesThroughTheLargestLimbs) {
  SeededRandom random(4, "limbs");
  for (int round = 0; round < 200; ++round) {
    const SymmetricKey key = key_of(random);
    Packets packets;
    for (std::size_t i = 0; i < 16; ++i) packets.add(random, 16 * (i + 1), 0);
    auto items = packets.items();
    Packets sealed = packets;
    auto twice = sealed.items();
    Aead(key, AeadImplementation::openssl).seal(twice);
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (std::size_t j = 0; j < items[i].length; ++j) items[i].data[j] ^= twice[i].data[j] ^ 0xff;
    }
    ASSERT_NO_FATAL_FAILURE(check(key, packets));
  }
}

// With both libraries. WEFT_AEAD_PACKETS asks for another number of packets: the nightly script takes ten million.
TEST_P(BatchedAead, AgreesOnRandomBatches) {
  const char* const wanted = std::getenv("WEFT_AEAD_PACKETS");
  const std::uint64_t packets_wanted = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 100'000;
  SeededRandom random(5, "batches");
  for (std::uint64_t done = 0; done < packets_wanted;) {
    const SymmetricKey key = key_of(random);
    const std::uint64_t kind = random.next() % 8;
    const std::uint64_t batch = 1 + random.next() % 80;
    const std::size_t longest = kind == 0 ? 1600 : kind < 3 ? 300 : 64;
    Packets packets;
    for (std::uint64_t i = 0; i < batch; ++i) {
      const std::size_t length = random.next() % (longest + 1);
      packets.add(random, length, random.next() % 16);
    }
    Packets sealed = packets, expected = packets;
    seal_with_libsodium(key, expected);
    auto items = sealed.items();
    Aead(key, GetParam()).seal(items);
    ASSERT_EQ(sealed.bytes() == expected.bytes(), true) << "libsodium, after " << done << " packets of seed 5";
    ASSERT_NO_FATAL_FAILURE(check(key, packets)) << "after " << done << " packets of seed 5";
    done += batch;
  }
}

TEST_P(BatchedAead, RefusesAChangeOfAnyByte) {
  SeededRandom random(6, "tamper");
  const SymmetricKey key = key_of(random);
  Aead aead(key, GetParam());
  for (const std::size_t length : {0, 1, 15, 16, 17, 63, 64, 65, 128, 333, 1420}) {
    Packets sealed;
    sealed.add(random, length, 3);
    for (int i = 0; i < 4; ++i) sealed.add(random, length, 5);
    auto made = sealed.items();
    aead.seal(made);
    for (std::size_t byte = 0; byte < length + kAeadTagSize; ++byte) {
      Packets changed = sealed;
      auto items = changed.items();
      const std::size_t victim = byte % items.size();
      items[victim].data[byte] ^= static_cast<std::uint8_t>(1 << (byte % 8));
      aead.open(items);
      for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(items[i].ok, i != victim) << length << " byte " << byte;
    }
  }
}

TEST_P(BatchedAead, RefusesAnotherCounterOrLength) {
  SeededRandom random(7, "counter");
  const SymmetricKey key = key_of(random);
  Packets packets;
  packets.add(random, 100, 0);
  auto items = packets.items();
  Aead aead(key, GetParam());
  aead.seal(items);
  const Packets sealed = packets;
  const auto refuses = [&](std::uint64_t counter_change, std::size_t shorter) {
    Packets copy = sealed;
    auto changed = copy.items();
    changed[0].counter ^= counter_change;
    changed[0].length -= shorter;
    aead.open(changed);
    return !changed[0].ok;
  };
  EXPECT_TRUE(refuses(1, 0));
  EXPECT_TRUE(refuses(std::uint64_t{1} << 63, 0));
  EXPECT_TRUE(refuses(0, 1));
  EXPECT_TRUE(refuses(0, 16));
  EXPECT_FALSE(refuses(0, 0));
}

// With a nonce whose first word is zero, and from block 1 on, these are the RFC's vectors that Aead can make.
TEST_P(BatchedAead, MatchesTheKeyStreamOfRfc8439) {
  const auto stream = [&](const Bytes& key, std::uint64_t counter) {
    Bytes text(64 + kAeadTagSize);
    AeadItem item{counter, text.data(), 64};
    Aead(*SymmetricKey::from_bytes(key), GetParam()).seal({&item, 1});
    return to_hex(ByteView(text).first(64));
  };
  // appendix A.1, test vector #2
  EXPECT_EQ(stream(Bytes(32), 0),
            "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
            "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
  // appendix A.1, test vector #3
  Bytes one(32);
  one[31] = 1;
  EXPECT_EQ(stream(one, 0),
            "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
            "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
}

TEST_P(BatchedAead, TakesAnEmptyBatch) {
  Aead aead(SymmetricKey(), GetParam());
  aead.seal({});
  aead.open({});
}

INSTANTIATE_TEST_SUITE_P(Each, BatchedAead,
                         testing::Values(AeadImplementation::openssl, AeadImplementation::avx2,
                                         AeadImplementation::avx512, AeadImplementation::best),
                         [](const auto& implementation) { return name_of(implementation.param); });

TEST(AeadImplementation, BestAndOpensslAreAlwaysThere) {
  EXPECT_TRUE(available(AeadImplementation::best));
  EXPECT_TRUE(available(AeadImplementation::openssl));
}

}  // namespace
}  // namespace weft::crypto

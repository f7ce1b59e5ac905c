// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/allowed_ips.h"

#include <gtest/gtest.h>

#include <vector>

#include "mesh/base/random.h"

namespace weft::wireguard {
namespace {

/// The same by looking at every prefix.
class LinearAllowedIps {
 public:
  void insert(const Prefix& prefix, PeerId peer) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.first == prefix; });
    entries_.emplace_back(prefix, peer);
  }
  void remove_peer(PeerId peer) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second == peer; });
  }
  std::optional<PeerId> lookup(const IpAddress& address) const {
    std::optional<PeerId> owner;
    int best = -1;
    for (const auto& [prefix, peer] : entries_) {
      if (prefix.address.family() == address.family() && prefix.contains(address) && prefix.length > best) {
        best = prefix.length;
        owner = peer;
      }
    }
    return owner;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<std::pair<Prefix, PeerId>> entries_;
};

Prefix prefix(std::string_view text) { return *Prefix::parse(text); }
IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

/// Addresses of few distinct bits, so that prefixes nest and meet.
IpAddress random_address(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v4 = random.chance(1, 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t draw = random.next();
    bytes[i] = static_cast<std::uint8_t>(draw & draw >> 8 & 0x81);
  }
  return v4 ? *IpAddress::from_bytes(ByteView(bytes).first(4)) : IpAddress::v6(bytes);
}

TEST(AllowedIps, FindsTheLongestPrefix) {
  AllowedIps table;
  EXPECT_FALSE(table.lookup(address("10.1.2.3")));
  table.insert(prefix("0.0.0.0/0"), 1);
  table.insert(prefix("10.0.0.0/8"), 2);
  table.insert(prefix("10.1.2.3/32"), 3);
  EXPECT_EQ(table.lookup(address("11.0.0.1")), 1u);
  EXPECT_EQ(table.lookup(address("10.1.2.4")), 2u);
  EXPECT_EQ(table.lookup(address("10.1.2.3")), 3u);
  EXPECT_FALSE(table.lookup(address("::")));  // families are apart
  table.insert(prefix("::/0"), 4);
  EXPECT_EQ(table.lookup(address("2001:db8::1")), 4u);
}

TEST(AllowedIps, AnExactPrefixHasOneOwner) {
  AllowedIps table;
  table.insert(prefix("10.0.0.0/8"), 1);
  table.insert(prefix("10.0.0.0/8"), 2);
  EXPECT_EQ(table.lookup(address("10.0.0.1")), 2u);
  table.remove_peer(1);  // has lost it already
  EXPECT_EQ(table.lookup(address("10.0.0.1")), 2u);
  table.remove_peer(2);
  EXPECT_FALSE(table.lookup(address("10.0.0.1")));
  EXPECT_EQ(table.size(), 0u);
}

TEST(AllowedIps, ClearsBitsBeyondTheLength) {
  AllowedIps table;
  table.insert({address("10.1.2.3"), 8}, 1);
  EXPECT_EQ(table.lookup(address("10.200.0.1")), 1u);
}

TEST(AllowedIps, AgreesWithALinearSearch) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed, "allowed ips");
    AllowedIps table;
    LinearAllowedIps linear;
    for (int i = 0; i < 600; ++i) {
      const PeerId peer = 1 + static_cast<PeerId>(random.below(12));
      if (random.chance(1, 40)) {
        table.remove_peer(peer);
        linear.remove_peer(peer);
      } else {
        const IpAddress at = random_address(random);
        const auto length = static_cast<int>(random.below(static_cast<std::uint64_t>(at.bit_length()) + 1));
        const Prefix drawn = Prefix{at, length}.masked();
        table.insert(drawn, peer);
        linear.insert(drawn, peer);
      }
      ASSERT_EQ(table.size(), linear.size());
      ASSERT_LE(table.nodes(), 2 * table.size());
      for (int look = 0; look < 20; ++look) {
        const IpAddress wanted = random_address(random);
        ASSERT_EQ(table.lookup(wanted), linear.lookup(wanted)) << "seed " << seed << ": " << wanted.to_string();
      }
    }
  }
}

}  // namespace
}  // namespace weft::wireguard

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/inner_packet.h"

#include <gtest/gtest.h>

#include "tests/support/inner_packets.h"

namespace weft::wireguard {
namespace {

const IpAddress kA4 = IpAddress::v4(10, 0, 0, 1), kB4 = IpAddress::v4(10, 0, 0, 2);
const IpAddress kA6 = *IpAddress::parse("fd00::1"), kB6 = *IpAddress::parse("fd00::2");

TEST(InnerPacket, ReadsAddressesLengthAndMark) {
  Bytes packet = test::make_udp4(kA4, kB4, "payload", Ecn::ect0);
  packet.resize(packet.size() + 9);  // padding
  const auto v4 = parse_inner(packet);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->source, kA4);
  EXPECT_EQ(v4->destination, kB4);
  EXPECT_EQ(v4->length, 35u);
  EXPECT_EQ(v4->ecn, Ecn::ect0);
  const auto v6 = parse_inner(test::make_udp6(kA6, kB6, "payload", Ecn::ce));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->source, kA6);
  EXPECT_EQ(v6->destination, kB6);
  EXPECT_EQ(v6->length, 55u);
  EXPECT_EQ(v6->ecn, Ecn::ce);
}

TEST(InnerPacket, RefusesEveryTruncation) {
  for (const Bytes& packet : {test::make_udp4(kA4, kB4, "payload"), test::make_udp6(kA6, kB6, "payload")}) {
    for (std::size_t length = 0; length < packet.size(); ++length)
      EXPECT_FALSE(parse_inner(ByteView(packet).first(length)));
  }
}

TEST(InnerPacket, RefusesOtherVersionsAndShortHeaders) {
  Bytes packet = test::make_udp4(kA4, kB4, "payload");
  for (int version = 0; version < 16; ++version) {
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    EXPECT_EQ(parse_inner(packet).has_value(), version == 4) << version;
  }
  for (int words = 0; words < 5; ++words) {
    packet[0] = static_cast<std::uint8_t>(0x40 | words);
    EXPECT_FALSE(parse_inner(packet));
  }
  packet[0] = 0x45;
  packet[2] = 0;
  packet[3] = 19;  // total length below the header's
  EXPECT_FALSE(parse_inner(packet));
}

// RFC 6040 figure 4: rows are the inner mark, columns the outer: Not-ECT, ECT(0), ECT(1), CE.
TEST(Ecn, DecapsulatesByTheTableOfRfc6040) {
  const std::optional<Ecn> drop;
  const Ecn outer[] = {Ecn::not_ect, Ecn::ect0, Ecn::ect1, Ecn::ce};
  const std::pair<Ecn, std::array<std::optional<Ecn>, 4>> rows[] = {
      {Ecn::not_ect, {Ecn::not_ect, Ecn::not_ect, Ecn::not_ect, drop}},
      {Ecn::ect0, {Ecn::ect0, Ecn::ect0, Ecn::ect1, Ecn::ce}},
      {Ecn::ect1, {Ecn::ect1, Ecn::ect1, Ecn::ect1, Ecn::ce}},
      {Ecn::ce, {Ecn::ce, Ecn::ce, Ecn::ce, Ecn::ce}},
  };
  for (const auto& [inner, result] : rows) {
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(decapsulated_ecn(inner, outer[i]), result[i]);
  }
}

TEST(Ecn, IsWrittenWithTheChecksumMended) {
  for (const Ecn before : {Ecn::not_ect, Ecn::ect0, Ecn::ect1, Ecn::ce}) {
    for (const Ecn after : {Ecn::not_ect, Ecn::ect0, Ecn::ect1, Ecn::ce}) {
      Bytes v4 = test::make_udp4(kA4, kB4, "payload", before);
      set_ecn(v4, after);
      EXPECT_EQ(v4, test::make_udp4(kA4, kB4, "payload", after));
      Bytes v6 = test::make_udp6(kA6, kB6, "payload", before);
      set_ecn(v6, after);
      EXPECT_EQ(v6, test::make_udp6(kA6, kB6, "payload", after));
    }
  }
}

}  // namespace
}  // namespace weft::wireguard

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/up_wait.h"

#include <gtest/gtest.h>

namespace weft::bin {
namespace {

using Kind = WaitCondition::Kind;

TEST(ParseWait, PathsAndPortsBelongToThePeerBefore) {
  const auto parsed = parse_wait("coordinator,peer:db,tcp:5432,direct,peer:web,tcp:80");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 6u);
  EXPECT_EQ((*parsed)[0].kind, Kind::coordinator);
  EXPECT_EQ((*parsed)[2].kind, Kind::tcp);
  EXPECT_EQ((*parsed)[2].peer, "db");
  EXPECT_EQ((*parsed)[2].port, 5432);
  EXPECT_EQ((*parsed)[3].kind, Kind::direct);
  EXPECT_EQ((*parsed)[3].peer, "db");
  EXPECT_EQ((*parsed)[5].peer, "web");
}

TEST(ParseWait, NothingIsNoCondition) { EXPECT_TRUE(parse_wait(std::nullopt)->empty()); }

TEST(ParseWait, RefusesWhatIsNoCondition) {
  for (const char* text : {"", "db", "peer:", "tcp:80", "direct", "peer:db,tcp:", "peer:db,tcp:0", "peer:db,tcp:65536",
                           "peer:db,tcp:8x", "peer:db,,direct"}) {
    const auto parsed = parse_wait(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::usage);
  }
}

}  // namespace
}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
// A port and somebody outside who is asked to send to it; the test is the wire between them.
#include "mesh/portmap/reachability.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace weft::portmap {
namespace {

const IpAddress kOutside = IpAddress::v4(203, 0, 113, 2);

class ReachabilityTest : public testing::Test {
 protected:
  /// Answers each question as a relay does, `answers` and datagrams coming through as set.
  void run_for(Duration span) {
    const Time end = now_ + span;
    exchange();
    while (reachability_.next_deadline() && *reachability_.next_deadline() <= end) {
      now_ = std::max(now_, *reachability_.next_deadline());
      reachability_.handle_timeout(now_);
      exchange();
    }
    now_ = end;
  }

  void exchange() {
    while (const auto wanted = reachability_.poll_request()) {
      questions_.push_back(*wanted);
      if (overtake_) reachability_.handle_arrival(now_, wanted->token);
      if (answers_) reachability_.handle_answer(now_, wanted->token, dials_, kOutside);
      const bool through = lost_ == 0;
      if (lost_ > 0) --lost_;
      if (through && !overtake_) reachability_.handle_arrival(now_, wanted->token);
    }
    while (const auto found = reachability_.poll_event()) found_.push_back(*found);
  }

  void begin() {
    reachability_.set_helper(now_, true);
    reachability_.set_port(now_, 5000);
  }

  Time now_{1h};
  SeededRandom random_{1, "test"};
  Reachability reachability_{random_};
  std::vector<DialBackWanted> questions_;
  std::vector<ReachabilityFound> found_;
  bool answers_ = true, dials_ = true, overtake_ = false;
  unsigned lost_ = 0;
};

TEST_F(ReachabilityTest, TheFirstDatagramIsEnough) {
  begin();
  run_for(1s);
  ASSERT_EQ(questions_.size(), 1u);
  EXPECT_EQ(questions_[0].port, 5000);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_TRUE(found_[0].reachable);
  EXPECT_EQ(found_[0].seen, kOutside);
}

TEST_F(ReachabilityTest, TheDatagramMayOvertakeTheAnswer) {
  overtake_ = true;
  begin();
  run_for(1s);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_TRUE(found_[0].reachable);
}

TEST_F(ReachabilityTest, LossIsNoVerdict) {
  lost_ = Reachability::kTries - 1;
  begin();
  run_for(10s);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_TRUE(found_[0].reachable);
  EXPECT_EQ(questions_.size(), Reachability::kTries);
}

TEST_F(ReachabilityTest, SilenceAfterAllTriesIs) {
  lost_ = 1000;
  begin();
  run_for(1h);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_FALSE(found_[0].reachable);
  EXPECT_EQ(questions_.size(), Reachability::kTries) << "the owner withdraws; nothing is asked for again";
}

TEST_F(ReachabilityTest, AMappingThatDiesIsFoundWithinTheRecheck) {
  begin();
  run_for(Reachability::kRecheck - 1s);
  lost_ = 1000;
  run_for(1s + Reachability::kTries * Reachability::kWait);
  ASSERT_EQ(found_.size(), 2u);
  EXPECT_FALSE(found_[1].reachable);
  EXPECT_NE(questions_[0].token, questions_[1].token);
}

TEST_F(ReachabilityTest, WithoutSomebodyOutsideThereIsNoVerdict) {
  reachability_.set_port(now_, 5000);
  run_for(1h);
  EXPECT_TRUE(questions_.empty());
  reachability_.set_helper(now_, true);
  run_for(1s);
  EXPECT_EQ(found_.size(), 1u);
}

TEST_F(ReachabilityTest, AHelperThatDoesNotAnswerOrRefusesGivesNoVerdict) {
  answers_ = false;
  lost_ = 1000;
  begin();
  run_for(5min);
  answers_ = true;
  dials_ = false;
  run_for(5min);
  EXPECT_TRUE(found_.empty());
  EXPECT_LE(questions_.size(), 20u) << "asked at leisure";
  dials_ = true;
  lost_ = 0;
  run_for(Reachability::kLater + 1s);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_TRUE(found_[0].reachable);
}

TEST_F(ReachabilityTest, OtherTokensAndLateOnesAreIgnored) {
  lost_ = 1000;
  begin();
  run_for(0s);
  reachability_.handle_arrival(now_, {});
  reachability_.set_port(now_, 5001);  // another mapping
  reachability_.handle_arrival(now_, questions_[0].token);
  run_for(1min);
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_FALSE(found_[0].reachable);
}

TEST_F(ReachabilityTest, ANetworkEventAsksAtOnce) {
  begin();
  run_for(10s);
  reachability_.check(now_);
  run_for(0s);
  EXPECT_EQ(questions_.size(), 2u);
}

}  // namespace
}  // namespace weft::portmap

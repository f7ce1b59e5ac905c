// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weft::sim {
namespace {

std::string square(std::size_t i) { return std::to_string(i * i) + std::string(i * 997, '.'); }

TEST(Workers, ReturnResultsInOrderForAnyNumberOfProcesses) {
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 23; ++i) expected.push_back(square(i));
  for (unsigned workers : {1u, 2u, 5u, 40u}) EXPECT_EQ(run_in_workers(23, workers, square), expected) << workers;
}

TEST(Workers, HaveNothingToDoForNoJobs) { EXPECT_EQ(run_in_workers(0, 2, square)->size(), 0u); }

TEST(Workers, SayWhichCellAWorkerDiedIn) {
  const auto results = run_in_workers(8, 2, [](std::size_t i) {
    if (i == 5) _exit(3);
    return std::string("ok");
  });
  ASSERT_FALSE(results);
  EXPECT_THAT(results.error().message, ::testing::HasSubstr("cell 5"));
}

}  // namespace
}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
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

std::string signal_and_wait(pid_t whom) {
  ::kill(whom, SIGTERM);
  while (true) ::pause();
}

TEST(Workers, EndByASignalOnceTheirWorkIsOverToo) {
  const auto run = [] { return run_in_workers(4, 2, [](std::size_t) { return signal_and_wait(::getppid()); }); };
  EXPECT_EXIT(static_cast<void>(run()), ::testing::KilledBySignal(SIGTERM), "");
}

TEST(Workers, OfAWorkerEndItByTheSameSignal) {
  const auto run = [](pid_t top) {
    return run_in_workers(4, 2, [top](std::size_t) {
      static_cast<void>(run_in_workers(1, 1, [top](std::size_t) { return signal_and_wait(top); }));
      return std::string("went on");
    });
  };
  EXPECT_EXIT(static_cast<void>(run(::getpid())), ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace weft::sim

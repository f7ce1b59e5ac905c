// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace weft::test {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Runs traces 1 to WEFT_TRACES (300), or WEFT_TRACE alone, until one fails; says how to repeat that one.
template <typename Run>
void for_each_trace(Run run) {
  const std::uint64_t only = number_from("WEFT_TRACE", 0);
  const std::uint64_t count = only != 0 ? only : number_from("WEFT_TRACES", 300);
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  for (std::uint64_t number = only != 0 ? only : 1; number <= count && !testing::Test::HasFailure(); ++number) {
    SCOPED_TRACE("repeat with WEFT_TRACE=" + std::to_string(number) +
                 " build/release/tests/differential_netfilter --gtest_filter=" + info->test_suite_name() + "." +
                 info->name());
    run(number);
  }
  testing::Test::RecordProperty("traces", static_cast<int>(count));
}

}  // namespace weft::test

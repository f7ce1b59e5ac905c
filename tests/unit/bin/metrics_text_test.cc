// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/metrics_text.h"

#include <gtest/gtest.h>

namespace weft::bin {
namespace {

TEST(MetricsText, SamplesFollowHelpAndTypeOfTheirFamily) {
  MetricsText text;
  text.family("weft_up", "gauge", "Whether it is up").sample(true);
  text.family("weft_bytes_total", "counter", "Bytes")
      .sample(std::uint64_t{7}, {{"peer", "a"}, {"way", "in"}})
      .sample(0.5);
  EXPECT_EQ(text.take(),
            "# HELP weft_up Whether it is up\n# TYPE weft_up gauge\nweft_up 1\n"
            "# HELP weft_bytes_total Bytes\n# TYPE weft_bytes_total counter\n"
            "weft_bytes_total{peer=\"a\",way=\"in\"} 7\nweft_bytes_total 0.5\n");
}

TEST(MetricsText, LabelsAreEscaped) {
  MetricsText text;
  text.family("f", "gauge", "h").sample(true, {{"peer", "a\"b\\c\nd"}});
  EXPECT_TRUE(text.take().ends_with("f{peer=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

}  // namespace
}  // namespace weft::bin

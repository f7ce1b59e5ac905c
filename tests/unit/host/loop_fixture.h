// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "mesh/host/asio_host.h"
#include "mesh/io/timer.h"

namespace weft::host {

/// One host on the machine that runs the test, with a loop that is stepped until something is true.
class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = (std::filesystem::temp_directory_path() / "weft-host-XXXXXX").string();
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    auto created = AsioHost::create(loop_, {.state_directory = path + "/state"});
    ASSERT_TRUE(created) << created.error().message;
    host_ = std::move(*created);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  /// False if it is not true within five seconds.
  template <typename Predicate>
  bool run_until(Predicate done) {
    const Time end = loop_.clock().now() + 5s;
    while (!done()) {
      loop_.run_one(100ms);
      loop_.clock().turn();
      if (loop_.clock().now() > end) return false;
    }
    return true;
  }

  static Endpoint loopback(std::uint16_t port = 0) { return {IpAddress::loopback(IpFamily::v4), port}; }

  AsioLoop loop_;
  std::unique_ptr<AsioHost> host_;
  std::filesystem::path directory_;
};

}  // namespace weft::host

// SPDX-License-Identifier: BSD-3-Clause
#include <sys/stat.h>

#include "mesh/io/file.h"
#include "mesh/io/state_store.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

using FileSystemTest = LoopTest;

TEST_F(FileSystemTest, KeepsSecretsFromOtherUsers) {
  ASSERT_TRUE(host_->files().open("key", io::FileMode::create));
  struct stat status{};
  ASSERT_EQ(::stat((directory_ / "state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((directory_ / "state" / "key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(FileSystemTest, ALockExcludesOtherFilesUntilItsFileIsClosed) {
  auto first = host_->files().open("lock", io::FileMode::create);
  auto second = host_->files().open("lock", io::FileMode::create);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE((*first)->lock());
  const auto refused = (*second)->lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  first->reset();
  EXPECT_TRUE((*second)->lock());
}

TEST_F(FileSystemTest, StoresValuesWhole) {
  io::StateStore store(host_->files());
  EXPECT_EQ(*store.get("identity"), std::nullopt);
  ASSERT_TRUE(store.put("identity", Bytes{1, 2, 3}));
  ASSERT_TRUE(store.put("identity", Bytes{4}));
  EXPECT_EQ(*store.get("identity"), Bytes{4});
  EXPECT_EQ(*host_->files().list(), std::vector<std::string>{"identity"});
  ASSERT_TRUE(store.erase("identity"));
  EXPECT_EQ(*store.get("identity"), std::nullopt);
}

TEST_F(FileSystemTest, AHostWithoutStateDirectoryKeepsNothing) {
  auto host = AsioHost::create(loop_, {});
  ASSERT_TRUE(host);
  const auto file = (*host)->files().open("x", io::FileMode::create);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace weft::host

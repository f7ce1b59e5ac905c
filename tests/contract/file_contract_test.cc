// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include "mesh/io/file.h"
#include "mesh/io/state_store.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

class FileContract : public HostContract {
 protected:
  std::unique_ptr<io::File> open(const std::string& name, io::FileMode mode = io::FileMode::create) {
    auto file = files_.open(name, mode);
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }
  Bytes content(const std::string& name) {
    auto file = open(name, io::FileMode::read_only);
    Bytes out(*file->size());
    EXPECT_EQ(*file->read_at(0, out), out.size());
    return out;
  }
  io::FileSystem& files_ = left_.host->files();
};

TEST_F(FileContract, ReadsBackWhatWasWrittenAtAnOffset) {
  auto file = open("data");
  ASSERT_TRUE(file->write_at(4, Bytes{5, 6, 7}));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(*file->size(), 7u);
  EXPECT_EQ(content("data"), (Bytes{0, 0, 0, 0, 5, 6, 7}));
  Bytes out(10);
  EXPECT_EQ(*file->read_at(5, out), 2u);
  EXPECT_EQ(*file->read_at(7, out), 0u);
}

TEST_F(FileContract, TruncateShortensAndLengthensWithZeros) {
  auto file = open("data");
  ASSERT_TRUE(file->write_at(0, Bytes{1, 2, 3, 4}));
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(content("data"), (Bytes{1, 2, 0}));
}

TEST_F(FileContract, MissingFileIsNotFoundUnlessCreated) {
  const auto missing = files_.open("absent", io::FileMode::read_write);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_FALSE(files_.exists("absent"));
  open("absent");
  EXPECT_TRUE(files_.exists("absent"));
}

TEST_F(FileContract, RenameReplacesTheTarget) {
  ASSERT_TRUE(open("old")->write_at(0, Bytes{1}));
  ASSERT_TRUE(open("new")->write_at(0, Bytes{2, 2}));
  ASSERT_TRUE(files_.rename("new", "old"));
  ASSERT_TRUE(files_.sync_directory());
  EXPECT_FALSE(files_.exists("new"));
  EXPECT_EQ(content("old"), (Bytes{2, 2}));
  EXPECT_FALSE(files_.rename("new", "old"));
}

TEST_F(FileContract, RemovedFileStaysReadableWhereItIsOpen) {
  auto file = open("data");
  ASSERT_TRUE(file->write_at(0, Bytes{7}));
  ASSERT_TRUE(files_.remove("data"));
  EXPECT_FALSE(files_.exists("data"));
  Bytes out(1);
  EXPECT_EQ(*file->read_at(0, out), 1u);
  EXPECT_EQ(out, Bytes{7});
}

TEST_F(FileContract, LockExcludesASecondHolder) {
  auto first = open("lock"), second = open("lock");
  ASSERT_TRUE(first->lock());
  const auto refused = second->lock();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  first.reset();
  EXPECT_TRUE(second->lock());
}

TEST_F(FileContract, ListIsSorted) {
  for (const char* name : {"b", "a", "c.new"}) open(name);
  const auto names = files_.list();
  ASSERT_TRUE(names);
  EXPECT_THAT(*names, testing::ElementsAre("a", "b", "c.new"));
}

TEST_F(FileContract, StateStoreKeepsTheLastValue) {
  io::StateStore store(files_);
  EXPECT_FALSE(store.get("key")->has_value());
  ASSERT_TRUE(store.put("key", Bytes{1, 2, 3}));
  ASSERT_TRUE(store.put("key", Bytes{4}));
  EXPECT_EQ(**store.get("key"), Bytes{4});
  ASSERT_TRUE(store.erase("key"));
  EXPECT_FALSE(store.get("key")->has_value());
}

}  // namespace
}  // namespace weft::contract

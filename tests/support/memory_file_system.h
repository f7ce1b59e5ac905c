// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/io/file.h"

namespace weft::test {

/// A disk in memory that can lose power. Writes reach a cache; sync() makes a file's bytes durable, sync_directory()
/// the names. crash() keeps what was durable and, of the rest, what a generator picks: each later write whole, torn at
/// a sector, or not at all, in any order; names likewise.
class MemoryFileSystem final : public io::FileSystem {
 public:
  static constexpr std::size_t kSector = 512;

  /// The disk dies after `count` more changing operations (write, truncate, sync, create, rename, remove): all that
  /// follows fails with ErrorCode::io until crash().
  void die_after(std::uint64_t count) { operations_left_ = count; }
  bool dead() const { return operations_left_ && *operations_left_ == 0; }
  std::uint64_t operations() const { return operations_; }

  /// Power comes back: open files are gone, locks are free.
  void crash(Random& random) {
    settle_names(random);
    std::set<std::shared_ptr<Inode>> inodes;
    for (const auto& [name, inode] : names_) inodes.insert(inode);
    for (const auto& inode : ordered(inodes)) inode->settle(random);
    operations_left_.reset();
    ++generation_;
  }

  /// The cache's bytes, for comparison; empty if there is no such file.
  Bytes contents(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? Bytes() : found->second->cached;
  }

  Result<std::unique_ptr<io::File>> open(const std::string& name, io::FileMode mode) override {
    auto found = names_.find(name);
    if (found == names_.end()) {
      if (mode != io::FileMode::create) return fail(ErrorCode::not_found, "there is no file " + name);
      if (!allow()) return lost();
      found = names_.emplace(name, std::make_shared<Inode>()).first;
      found->second->number = ++inodes_;
    }
    return std::make_unique<MemoryFile>(*this, found->second);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(ErrorCode::not_found, "there is no file " + from);
    if (!allow()) return lost();
    names_[to] = found->second;
    names_.erase(from);
    return {};
  }

  Result<void> remove(const std::string& name) override {
    if (!names_.contains(name)) return fail(ErrorCode::not_found, "there is no file " + name);
    if (!allow()) return lost();
    names_.erase(name);
    return {};
  }

  bool exists(const std::string& name) override { return names_.contains(name); }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, inode] : names_) names.push_back(name);
    return names;
  }

  Result<void> sync_directory() override {
    if (!allow()) return lost();
    durable_names_ = names_;
    return {};
  }

 private:
  struct Write {
    std::uint64_t offset = 0;
    Bytes bytes;
    bool truncates = false;
  };

  static void apply(Bytes& content, const Write& write) {
    if (write.truncates) {
      content.resize(write.offset);
      return;
    }
    if (content.size() < write.offset + write.bytes.size()) content.resize(write.offset + write.bytes.size());
    std::copy(write.bytes.begin(), write.bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }

  struct Inode {
    std::uint64_t number = 0;
    Bytes durable;
    Bytes cached;
    std::vector<Write> unsynced;
    const void* locked_by = nullptr;

    void change(Write write) {
      apply(cached, write);
      unsynced.push_back(std::move(write));
    }

    void settle(Random& random) {
      for (Write& write : unsynced) {
        const std::uint64_t fate = random.below(3);
        if (fate == 0) continue;
        if (fate == 1 && !write.truncates && write.bytes.size() > kSector) {
          const std::uint64_t sectors = random.below(write.bytes.size() / kSector + 1);
          write.bytes.resize(sectors * kSector);
        }
        apply(durable, write);
      }
      unsynced.clear();
      cached = durable;
      locked_by = nullptr;
    }
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  class MemoryFile final : public io::File {
   public:
    MemoryFile(MemoryFileSystem& files, std::shared_ptr<Inode> inode)
        : files_(files), inode_(std::move(inode)), generation_(files.generation_) {}
    ~MemoryFile() override {
      if (inode_->locked_by == this) inode_->locked_by = nullptr;
    }

    Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
      if (!alive()) return lost();
      const Bytes& content = inode_->cached;
      if (offset >= content.size()) return 0;
      const std::size_t count = std::min<std::size_t>(out.size(), content.size() - offset);
      std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
      return count;
    }
    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
      if (!alive() || !files_.allow()) return lost();
      inode_->change({offset, to_bytes(bytes), false});
      return {};
    }
    Result<void> truncate(std::uint64_t size) override {
      if (!alive() || !files_.allow()) return lost();
      inode_->change({size, {}, true});
      return {};
    }
    Result<std::uint64_t> size() override {
      if (!alive()) return lost();
      return inode_->cached.size();
    }
    Result<void> sync() override {
      if (!alive() || !files_.allow()) return lost();
      inode_->durable = inode_->cached;
      inode_->unsynced.clear();
      return {};
    }
    Result<void> lock() override {
      if (!alive()) return lost();
      if (inode_->locked_by != nullptr && inode_->locked_by != this) {
        return fail(ErrorCode::refused, "another process holds the lock");
      }
      inode_->locked_by = this;
      return {};
    }

   private:
    bool alive() const { return generation_ == files_.generation_ && !files_.dead(); }
    MemoryFileSystem& files_;
    std::shared_ptr<Inode> inode_;
    std::uint64_t generation_;
  };

  static std::unexpected<Error> lost() { return fail(ErrorCode::io, "the disk is gone"); }

  /// Counts an operation; false once the disk is dead.
  bool allow() {
    ++operations_;
    if (!operations_left_) return true;
    if (*operations_left_ == 0) return false;
    --*operations_left_;
    return true;
  }

  void settle_names(Random& random) {
    std::set<std::string> all;
    for (const auto& [name, inode] : names_) all.insert(name);
    for (const auto& [name, inode] : durable_names_) all.insert(name);
    Names settled;
    for (const std::string& name : all) {
      const Names& source = random.chance(1, 2) ? names_ : durable_names_;
      if (const auto found = source.find(name); found != source.end()) settled.insert(*found);
    }
    names_ = durable_names_ = settled;
  }

  static std::vector<std::shared_ptr<Inode>> ordered(const std::set<std::shared_ptr<Inode>>& inodes) {
    std::vector<std::shared_ptr<Inode>> list(inodes.begin(), inodes.end());
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
    return list;
  }

  Names names_;
  Names durable_names_;
  std::uint64_t inodes_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t operations_ = 0;
  std::optional<std::uint64_t> operations_left_;
};

}  // namespace weft::test

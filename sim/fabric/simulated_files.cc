// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/simulated_files.h"

#include <algorithm>
#include <utility>

namespace weft::fabric {
namespace {

constexpr std::size_t kSector = 512;

}  // namespace

/// A file's bytes: `now` is what programs read, `durable` what a crash leaves, `pending` what lies between, in order.
struct SimulatedFiles::Inode {
  struct Write {
    std::uint64_t offset = 0;
    Bytes bytes;
    bool truncates = false;  // to `offset`
  };
  Bytes now, durable;
  std::vector<Write> pending;
  const void* locked_by = nullptr;

  static void apply(Bytes& bytes, std::uint64_t offset, ByteView data) {
    const std::size_t end = static_cast<std::size_t>(offset) + data.size();
    if (bytes.size() < end) bytes.resize(end);
    std::ranges::copy(data, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  static void apply(Bytes& bytes, const Write& write) {
    if (write.truncates) return bytes.resize(static_cast<std::size_t>(write.offset));
    apply(bytes, write.offset, write.bytes);
  }
  void sync() {
    for (const Write& write : pending) apply(durable, write);
    pending.clear();
  }
  /// Each sector of each write survives or not, and each truncation.
  void tear(Random& random) {
    for (const Write& write : pending) {
      if (write.truncates) {
        if (random.chance(1, 2)) apply(durable, write);
        continue;
      }
      for (std::size_t at = 0; at < write.bytes.size(); at += kSector) {
        const std::size_t count = std::min(kSector, write.bytes.size() - at);
        if (random.chance(1, 2)) apply(durable, write.offset + at, ByteView{write.bytes}.subspan(at, count));
      }
    }
    pending.clear();
  }
};

class SimulatedFile final : public io::File {
 public:
  SimulatedFile(SimulatedFiles& files, std::shared_ptr<SimulatedFiles::Inode> inode, bool writable)
      : files_(files), inode_(std::move(inode)), writable_(writable), life_(files.life_) {}
  ~SimulatedFile() override {
    if (inode_->locked_by == this) inode_->locked_by = nullptr;
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
    if (auto dead = check(); !dead) return std::unexpected(dead.error());
    if (offset >= inode_->now.size()) return 0;
    const auto count = std::min<std::size_t>(out.size(), inode_->now.size() - static_cast<std::size_t>(offset));
    std::copy_n(inode_->now.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    return change({.offset = offset, .bytes = to_bytes(bytes)});
  }
  Result<void> truncate(std::uint64_t size) override { return change({.offset = size, .truncates = true}); }
  Result<std::uint64_t> size() override {
    if (auto dead = check(); !dead) return std::unexpected(dead.error());
    return inode_->now.size();
  }
  Result<void> sync() override {
    if (auto dead = check(); !dead) return dead;
    inode_->sync();
    return {};
  }
  Result<void> lock() override {
    if (auto dead = check(); !dead) return dead;
    if (inode_->locked_by != nullptr && inode_->locked_by != this)
      return fail(ErrorCode::refused, "the file is locked by another");
    inode_->locked_by = this;
    return {};
  }

 private:
  Result<void> check() const {
    if (!files_.running_ || files_.life_ != life_)
      return fail(ErrorCode::io, "the disk is gone: the host has no power");
    return {};
  }
  Result<void> change(SimulatedFiles::Inode::Write write) {
    if (auto dead = check(); !dead) return dead;
    if (!writable_) return fail(ErrorCode::io, "the file is open for reading only");
    if (files_.full_ && !write.truncates) return fail(ErrorCode::io, "no space left on the disk");
    SimulatedFiles::Inode::apply(inode_->now, write);
    inode_->pending.push_back(std::move(write));
    return {};
  }

  SimulatedFiles& files_;
  std::shared_ptr<SimulatedFiles::Inode> inode_;
  bool writable_;
  std::uint32_t life_;
};

SimulatedFiles::SimulatedFiles(std::uint64_t seed, std::string_view host_name)
    : random_(seed, "host/" + std::string(host_name) + "/files") {}

SimulatedFiles::~SimulatedFiles() = default;

Result<std::unique_ptr<io::File>> SimulatedFiles::open(const std::string& name, io::FileMode mode) {
  if (!running_) return fail(ErrorCode::io, "cannot open " + name + ": the host has no power");
  if (name.empty() || name.find('/') != std::string::npos) return fail(ErrorCode::io, "not a flat file name: " + name);
  auto found = now_.find(name);
  if (found == now_.end()) {
    if (mode != io::FileMode::create) return fail(ErrorCode::not_found, "no such file: " + name);
    if (full_) return fail(ErrorCode::io, "no space left on the disk for " + name);
    found = now_.emplace(name, std::make_shared<Inode>()).first;
    pending_.push_back({Change::Kind::link, name, {}, found->second});
  }
  return std::make_unique<SimulatedFile>(*this, found->second, mode != io::FileMode::read_only);
}

Result<void> SimulatedFiles::rename(const std::string& from, const std::string& to) {
  if (!running_) return fail(ErrorCode::io, "cannot rename " + from + ": the host has no power");
  if (!now_.contains(from)) return fail(ErrorCode::not_found, "no such file: " + from);
  pending_.push_back({Change::Kind::rename, from, to, nullptr});
  apply(now_, pending_.back());
  return {};
}

Result<void> SimulatedFiles::remove(const std::string& name) {
  if (!running_) return fail(ErrorCode::io, "cannot remove " + name + ": the host has no power");
  if (!now_.contains(name)) return fail(ErrorCode::not_found, "no such file: " + name);
  pending_.push_back({Change::Kind::remove, name, {}, nullptr});
  apply(now_, pending_.back());
  return {};
}

bool SimulatedFiles::exists(const std::string& name) { return running_ && now_.contains(name); }

Result<std::vector<std::string>> SimulatedFiles::list() {
  if (!running_) return fail(ErrorCode::io, "cannot list the directory: the host has no power");
  std::vector<std::string> names;
  for (const auto& [name, inode] : now_) names.push_back(name);
  return names;
}

Result<void> SimulatedFiles::sync_directory() {
  if (!running_) return fail(ErrorCode::io, "cannot sync the directory: the host has no power");
  durable_ = now_;
  pending_.clear();
  return {};
}

void SimulatedFiles::apply(Directory& directory, const Change& change) {
  if (change.kind == Change::Kind::link) {
    directory[change.name] = change.inode;
  } else if (change.kind == Change::Kind::remove) {
    directory.erase(change.name);
  } else if (const auto found = directory.find(change.name); found != directory.end() && change.name != change.to) {
    const auto inode = found->second;
    directory.erase(found);
    directory[change.to] = inode;
  }
}

/// A journal keeps the order of changes: a crash cuts it off somewhere.
void SimulatedFiles::settle_directory() {
  std::size_t survivors = 0;
  if (mode_ == CrashMode::keep) survivors = pending_.size();
  if (mode_ == CrashMode::tear) survivors = static_cast<std::size_t>(random_.below(pending_.size() + 1));
  for (std::size_t i = 0; i < survivors; ++i) apply(durable_, pending_[i]);
  pending_.clear();
}

void SimulatedFiles::crash() {
  running_ = false;
  ++life_;
  settle_directory();
  for (const auto& [name, inode] : durable_) {
    if (mode_ == CrashMode::keep) inode->sync();
    if (mode_ == CrashMode::tear) inode->tear(random_);
    inode->pending.clear();
    inode->now = inode->durable;
    inode->locked_by = nullptr;
  }
  now_ = durable_;
}

}  // namespace weft::fabric

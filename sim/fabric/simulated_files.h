// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/io/file.h"

namespace weft::fabric {

/// What becomes of data that was not synced when the plug is pulled.
enum class CrashMode : std::uint8_t {
  lose,  // all of it is gone
  tear,  // each 512-byte sector written survives or not, by the seed; a random number of directory changes survives
  keep,  // the process died, the kernel did not
};

/// A directory in memory that keeps apart what is durable from what is not.
class SimulatedFiles final : public io::FileSystem {
 public:
  SimulatedFiles(std::uint64_t seed, std::string_view host_name);
  ~SimulatedFiles() override;

  Result<std::unique_ptr<io::File>> open(const std::string& name, io::FileMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  bool exists(const std::string& name) override;
  Result<std::vector<std::string>> list() override;
  Result<void> sync_directory() override;

  void set_crash_mode(CrashMode mode) { mode_ = mode; }
  /// Every operation fails with io from now on; open files are dead for good.
  void crash();
  void recover() { running_ = true; }
  /// Writes fail as on a full disk.
  void set_full(bool full) { full_ = full; }

  struct Inode;

 private:
  friend class SimulatedFile;
  struct Change {  // a change of the directory that is not durable yet
    enum class Kind : std::uint8_t { link, rename, remove } kind;
    std::string name, to;
    std::shared_ptr<Inode> inode;
  };
  using Directory = std::map<std::string, std::shared_ptr<Inode>>;
  static void apply(Directory& directory, const Change& change);
  void settle_directory();

  SeededRandom random_;
  CrashMode mode_ = CrashMode::tear;
  bool running_ = true;
  bool full_ = false;
  std::uint32_t life_ = 0;  // counts crashes: handles of an earlier life are dead
  Directory now_, durable_;
  std::vector<Change> pending_;
};

}  // namespace weft::fabric

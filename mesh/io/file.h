// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"

namespace weft::io {

enum class FileMode { read_only, read_write, create };

/// An open file with positioned access. What was written is durable only after sync(): a crash may lose or tear the
/// rest.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) = 0;
  virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Result<void> sync() = 0;
  /// Takes the exclusive lock of the file without waiting; ErrorCode::refused if another process or File holds it.
  /// Released by destruction.
  virtual Result<void> lock() = 0;
};

/// One directory of the host's durable storage (a daemon's state directory); flat names without '/'.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// ErrorCode::not_found if it does not exist and `mode` is not `create`. New files have mode 0600.
  virtual Result<std::unique_ptr<File>> open(const std::string& name, FileMode mode) = 0;
  /// Atomically puts `from` in the place of `to`; durable after sync_directory().
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& name) = 0;
  virtual bool exists(const std::string& name) = 0;
  /// Sorted.
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<void> sync_directory() = 0;
};

}  // namespace weft::io

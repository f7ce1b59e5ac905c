// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/file_descriptor.h"
#include "mesh/io/file.h"

namespace weft::host {

/// One directory of the machine. Locks are those of open file descriptions (F_OFD_SETLK), so two Files of one process
/// exclude each other too.
class PosixFileSystem final : public io::FileSystem {
 public:
  /// Makes the directory with mode 0700 if it is missing. Errors: io, with the path.
  static Result<std::unique_ptr<PosixFileSystem>> open_directory(const std::string& path);
  /// Storage of a program that keeps nothing: every call fails with `io`.
  static std::unique_ptr<PosixFileSystem> none();

  Result<std::unique_ptr<io::File>> open(const std::string& name, io::FileMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  bool exists(const std::string& name) override;
  Result<std::vector<std::string>> list() override;
  Result<void> sync_directory() override;

 private:
  PosixFileSystem(std::string path, FileDescriptor directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}

  std::string path_;
  FileDescriptor directory_;
};

}  // namespace weft::host

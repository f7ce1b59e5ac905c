// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/io/file.h"

namespace weft::io {

/// A small durable key-value store in one directory: each key is a file that is replaced as a whole, so a crash leaves
/// the value before or the value after, never a mixture. Keys are [a-z0-9_.-]+ and do not end in ".new".
class StateStore {
 public:
  explicit StateStore(FileSystem& files) : files_(files) {}

  /// nullopt if there is none. Errors: io.
  Result<std::optional<Bytes>> get(const std::string& key);
  /// Durable when it returns. On an error the value before is kept.
  Result<void> put(const std::string& key, ByteView value);
  /// Durable when it returns; a key that does not exist is no error.
  Result<void> erase(const std::string& key);

 private:
  FileSystem& files_;
};

}  // namespace weft::io

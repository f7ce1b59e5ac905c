// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/io/state_store.h"

#include "mesh/base/assert.h"

namespace weft::io {
namespace {

bool valid_key(const std::string& key) {
  return !key.empty() && !key.ends_with(".new") &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
}

}  // namespace

Result<std::optional<Bytes>> StateStore::get(const std::string& key) {
  WEFT_ASSERT(valid_key(key));
  auto file = files_.open(key, FileMode::read_only);
  if (!file) {
    if (file.error().code == ErrorCode::not_found) return std::nullopt;
    return std::unexpected(file.error());
  }
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  Bytes value(*size);
  const auto read = (*file)->read_at(0, value);
  if (!read) return std::unexpected(read.error());
  value.resize(*read);
  return value;
}

Result<void> StateStore::put(const std::string& key, ByteView value) {
  WEFT_ASSERT(valid_key(key));
  const std::string fresh = key + ".new";
  auto file = files_.open(fresh, FileMode::create);
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->truncate(0); !done) return done;
  if (auto done = (*file)->write_at(0, value); !done) return done;
  if (auto done = (*file)->sync(); !done) return done;
  file->reset();
  if (auto done = files_.rename(fresh, key); !done) return done;
  return files_.sync_directory();
}

Result<void> StateStore::erase(const std::string& key) {
  WEFT_ASSERT(valid_key(key));
  if (!files_.exists(key)) return {};
  if (auto done = files_.remove(key); !done) return done;
  return files_.sync_directory();
}

}  // namespace weft::io

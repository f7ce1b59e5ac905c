// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

namespace weft {
class Entropy;
}
namespace weft::io {
class Clock;
class FileSystem;
}  // namespace weft::io

namespace weft::coordinator {

/// What SQLite sees of the world: files of one io::FileSystem, the host's clock and entropy. One process and one
/// connection use a database (the coordinator holds a lock file), so SQLite's own locks do nothing; there is no shared
/// memory and hence no WAL. Everything given to the constructor outlives the object, and the object every connection.
class SqliteVfs {
 public:
  SqliteVfs(io::FileSystem& files, io::Clock& clock, Entropy& entropy);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  /// For sqlite3_open_v2.
  const char* name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::coordinator

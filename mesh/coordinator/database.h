// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weft::coordinator {

class SqliteVfs;

/// A prepared statement: bind in order, then step.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(ByteView blob);
  Statement& bind_null();

  /// True: a row is there to be read; false: done. Errors: io, corrupt, limit (disk full).
  Result<bool> step();
  /// For statements without rows.
  Result<void> run();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  Bytes blob(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// One SQLite database: rollback journal, synchronous FULL, one connection. What transact() has done is durable when it
/// returns; after a crash the database is as before or as after, never between.
class Database {
 public:
  /// Errors: io, corrupt.
  static Result<std::unique_ptr<Database>> open(SqliteVfs& vfs, const std::string& file);
  ~Database();

  /// `sql` is one of our own statements; that it parses is asserted.
  Statement prepare(std::string_view sql);
  Result<void> execute(std::string_view sql) { return prepare(sql).run(); }
  /// All of `work` or nothing: rolled back if it fails.
  Result<void> transact(const std::function<Result<void>()>& work);
  std::int64_t last_insert_id() const;

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace weft::coordinator

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/database.h"

#include <sqlite3.h>

#include <utility>

#include "mesh/base/assert.h"
#include "mesh/coordinator/sqlite_vfs.h"

namespace weft::coordinator {
namespace {

Error error_of(sqlite3* database) {
  const int code = sqlite3_errcode(database);
  const std::string text = sqlite3_errmsg(database);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    return {ErrorCode::corrupt,
            "the coordinator's database is damaged (" + text + "): restore a backup of the state directory"};
  }
  if (code == SQLITE_FULL) return {ErrorCode::limit, "the disk of the coordinator's state directory is full"};
  return {ErrorCode::io, "the coordinator's database cannot be used: " + text};
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(ByteView blob) {
  // An empty span may have no address, which SQLite would read as NULL.
  sqlite3_bind_blob(statement_, ++bound_, blob.empty() ? "" : static_cast<const void*>(blob.data()),
                    static_cast<int>(blob.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(error_of(database_));
}

Result<void> Statement::run() {
  const auto row = step();
  if (!row) return std::unexpected(row.error());
  return {};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string()
                         : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

Bytes Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? Bytes() : Bytes(bytes, bytes + sqlite3_column_bytes(statement_, column));
}

Result<std::unique_ptr<Database>> Database::open(SqliteVfs& vfs, const std::string& file) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs.name());
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) return std::unexpected(error_of(handle));
  for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=TRUNCATE", "PRAGMA synchronous=FULL",
                             "PRAGMA temp_store=MEMORY", "PRAGMA foreign_keys=ON"}) {
    char* message = nullptr;
    const int set = sqlite3_exec(handle, pragma, nullptr, nullptr, &message);
    sqlite3_free(message);
    if (set != SQLITE_OK) return std::unexpected(error_of(handle));
  }
  return database;
}

Database::~Database() { sqlite3_close(handle_); }

Statement Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  // A statement that cannot be prepared because the file cannot be read fails again, with its reason, in step().
  sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(handle_, statement);
}

Result<void> Database::transact(const std::function<Result<void>()>& work) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = execute("COMMIT");
  if (!done && sqlite3_get_autocommit(handle_) == 0) static_cast<void>(execute("ROLLBACK"));
  return done;
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

}  // namespace weft::coordinator

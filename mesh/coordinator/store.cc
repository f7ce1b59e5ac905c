// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/store.h"

#include "mesh/coordinator/database.h"
#include "mesh/coordinator/sqlite_vfs.h"

namespace weft::coordinator {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
/// Added to the tables of version 1; an older program does not miss it.
constexpr const char* kRevokedTable =
    "CREATE TABLE IF NOT EXISTS revoked(node_key BLOB PRIMARY KEY, until_s INTEGER NOT NULL) STRICT";

constexpr const char* kTables[] = {
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE setup_keys(id INTEGER PRIMARY KEY AUTOINCREMENT, secret_hash BLOB NOT NULL UNIQUE, reusable INTEGER "
    "NOT "
    "NULL, ephemeral INTEGER NOT NULL, lifetime_ns INTEGER, note TEXT NOT NULL, created_ns INTEGER NOT NULL, "
    "revoked INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT",
    "CREATE TABLE nodes(id INTEGER PRIMARY KEY AUTOINCREMENT, machine_key BLOB NOT NULL UNIQUE, name TEXT NOT NULL "
    "UNIQUE, "
    "registration BLOB NOT NULL, publication BLOB NOT NULL, ipv4 BLOB NOT NULL, relay_id INTEGER NOT NULL, ephemeral "
    "INTEGER "
    "NOT NULL, expired INTEGER NOT NULL, setup_key INTEGER NOT NULL, created_ns INTEGER NOT NULL, last_seen_ns INTEGER "
    "NOT "
    "NULL) STRICT",
    "CREATE TABLE removed(machine_key BLOB PRIMARY KEY, key_floor INTEGER NOT NULL) STRICT", "PRAGMA user_version=1"};

std::int64_t ns(WallTime time) { return time.time_since_epoch().count(); }
WallTime wall(std::int64_t ns) { return WallTime(Duration(ns)); }

Error damaged(const char* what) {
  return {ErrorCode::corrupt, std::string("the coordinator's database holds ") + what +
                                  " that cannot be read: restore a backup of the state directory"};
}

constexpr const char* kKeyColumns =
    "SELECT id, reusable, ephemeral, lifetime_ns, note, created_ns, revoked, uses FROM setup_keys ";

KeyInfo read_key(const Statement& row) {
  KeyInfo key;
  key.id = static_cast<std::uint64_t>(row.integer(0));
  key.options.reusable = row.integer(1) != 0;
  key.options.ephemeral = row.integer(2) != 0;
  key.options.note = row.text(4);
  key.created = wall(row.integer(5));
  if (!row.is_null(3)) {
    key.options.lifetime = Duration(row.integer(3));
    key.expires = key.created + *key.options.lifetime;
  }
  key.revoked = row.integer(6) != 0;
  key.uses = static_cast<std::uint64_t>(row.integer(7));
  return key;
}

/// Registration and publication are kept as the messages they came in.
Bytes registration_blob(const control::Registration& registration) {
  control::Register message{registration, 0, 0};
  message.registration.secret.reset();
  return control::encode(control::Message(message));
}

std::optional<Node> read_node(const Statement& row) {
  Node node;
  node.id = static_cast<std::uint64_t>(row.integer(0));
  const auto machine_key = crypto::PublicKey::from_bytes(row.blob(1));
  const auto registration = control::parse_message(row.blob(3));
  const auto publication = control::parse_message(row.blob(4));
  const auto ipv4 = IpAddress::from_bytes(row.blob(5));
  if (!machine_key || !registration || !publication || !ipv4) return std::nullopt;
  const auto* registered = std::get_if<control::Register>(&*registration);
  const auto* published = std::get_if<control::Publish>(&*publication);
  if (registered == nullptr || published == nullptr) return std::nullopt;
  const bool relay = registered->registration.role == control::Role::relay;
  if (relay && !registered->registration.relay) return std::nullopt;
  node.machine_key = *machine_key;
  node.name = row.text(2);
  node.registration = registered->registration;
  node.publication = *published;
  node.ipv4 = *ipv4;
  node.relay_id = static_cast<std::uint16_t>(row.integer(6));
  node.ephemeral = row.integer(7) != 0;
  node.expired = row.integer(8) != 0;
  node.setup_key = static_cast<std::uint64_t>(row.integer(9));
  node.created = wall(row.integer(10));
  node.last_seen = wall(row.integer(11));
  return node;
}

}  // namespace

Store::Store(std::unique_ptr<SqliteVfs> vfs, std::unique_ptr<Database> database)
    : vfs_(std::move(vfs)), database_(std::move(database)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(io::FileSystem& files, io::Clock& clock, Entropy& entropy) {
  auto vfs = std::make_unique<SqliteVfs>(files, clock, entropy);
  auto database = Database::open(*vfs, "coordinator.db");
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<Store> store(new Store(std::move(vfs), std::move(*database)));
  std::int64_t version = 0;
  {
    auto row = store->database_->prepare("PRAGMA user_version");
    const auto found = row.step();
    if (!found) return std::unexpected(found.error());
    version = row.integer(0);
  }
  if (version > kSchemaVersion) {
    return fail(ErrorCode::usage, "the state directory was written by a newer weft: use that version or later");
  }
  if (version == 0) {
    if (auto made = store->make_tables(); !made) return std::unexpected(made.error());
  }
  if (auto made = store->database_->execute(kRevokedTable); !made) return std::unexpected(made.error());
  return store;
}

Result<void> Store::make_tables() {
  return transact([&]() -> Result<void> {
    for (const char* statement : kTables) {
      if (auto done = database_->execute(statement); !done) return done;
    }
    return {};
  });
}

Result<void> Store::transact(const std::function<Result<void>()>& work) { return database_->transact(work); }

Result<std::optional<Bytes>> Store::setting(const std::string& name) {
  auto row = database_->prepare("SELECT value FROM settings WHERE name=?");
  const auto found = row.bind(name).step();
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  return row.blob(0);
}

Result<void> Store::put_setting(const std::string& name, ByteView value) {
  return database_->prepare("INSERT OR REPLACE INTO settings(name, value) VALUES(?, ?)").bind(name).bind(value).run();
}

Result<std::uint64_t> Store::add_key(const KeyInfo& key, const crypto::Blake2sDigest& hash) {
  auto insert = database_->prepare(
      "INSERT INTO setup_keys(secret_hash, reusable, ephemeral, lifetime_ns, note, created_ns, revoked, uses) "
      "VALUES(?, ?, ?, ?, ?, ?, 0, 0)");
  insert.bind(ByteView(hash)).bind(std::int64_t{key.options.reusable}).bind(std::int64_t{key.options.ephemeral});
  key.options.lifetime ? insert.bind(key.options.lifetime->count()) : insert.bind_null();
  const auto done = insert.bind(key.options.note).bind(ns(key.created)).run();
  if (!done) return std::unexpected(done.error());
  return static_cast<std::uint64_t>(database_->last_insert_id());
}

Result<std::vector<KeyInfo>> Store::keys() {
  std::vector<KeyInfo> keys;
  auto row = database_->prepare(std::string(kKeyColumns) + "ORDER BY id");
  for (;;) {
    const auto found = row.step();
    if (!found) return std::unexpected(found.error());
    if (!*found) return keys;
    keys.push_back(read_key(row));
  }
}

Result<std::optional<KeyInfo>> Store::find_key(const crypto::Blake2sDigest& hash) {
  auto row = database_->prepare(std::string(kKeyColumns) + "WHERE secret_hash=?");
  const auto found = row.bind(ByteView(hash)).step();
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  return read_key(row);
}

Result<void> Store::count_use(std::uint64_t key) {
  return database_->prepare("UPDATE setup_keys SET uses=uses+1 WHERE id=?").bind(static_cast<std::int64_t>(key)).run();
}

Result<bool> Store::revoke_key(std::uint64_t key) {
  auto row = database_->prepare("UPDATE setup_keys SET revoked=1 WHERE id=? RETURNING id");
  const auto found = row.bind(static_cast<std::int64_t>(key)).step();
  if (!found || !*found) return found;
  const auto rest = row.step();
  if (!rest) return rest;
  return true;
}

Result<std::vector<Node>> Store::nodes() {
  std::vector<Node> nodes;
  auto row = database_->prepare(
      "SELECT id, machine_key, name, registration, publication, ipv4, relay_id, ephemeral, expired, setup_key, "
      "created_ns, "
      "last_seen_ns FROM nodes ORDER BY id");
  for (;;) {
    const auto found = row.step();
    if (!found) return std::unexpected(found.error());
    if (!*found) return nodes;
    auto node = read_node(row);
    if (!node) return std::unexpected(damaged("a node"));
    nodes.push_back(std::move(*node));
  }
}

Result<std::uint64_t> Store::put_node(const Node& node) {
  auto insert = database_->prepare(
      "INSERT INTO nodes(id, machine_key, name, registration, publication, ipv4, relay_id, ephemeral, expired, "
      "setup_key, "
      "created_ns, last_seen_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
      "registration=excluded.registration, publication=excluded.publication, expired=excluded.expired, "
      "setup_key=excluded.setup_key, last_seen_ns=excluded.last_seen_ns");
  node.id == 0 ? insert.bind_null() : insert.bind(static_cast<std::int64_t>(node.id));
  insert.bind(node.machine_key.bytes()).bind(node.name).bind(ByteView(registration_blob(node.registration)));
  insert.bind(ByteView(control::encode(control::Message(node.publication)))).bind(node.ipv4.bytes());
  insert.bind(std::int64_t{node.relay_id}).bind(std::int64_t{node.ephemeral}).bind(std::int64_t{node.expired});
  insert.bind(static_cast<std::int64_t>(node.setup_key)).bind(ns(node.created)).bind(ns(node.last_seen));
  const auto done = insert.run();
  if (!done) return std::unexpected(done.error());
  return node.id != 0 ? node.id : static_cast<std::uint64_t>(database_->last_insert_id());
}

Result<void> Store::remove_node(const Node& node, bool ban) {
  return transact([&]() -> Result<void> {
    auto remove = database_->prepare("DELETE FROM nodes WHERE id=?");
    if (auto done = remove.bind(static_cast<std::int64_t>(node.id)).run(); !done) return done;
    if (!ban) return {};
    auto remember = database_->prepare(
        "INSERT OR REPLACE INTO removed(machine_key, key_floor) "
        "VALUES(?, (SELECT coalesce(max(id), 0) FROM setup_keys))");
    return remember.bind(node.machine_key.bytes()).run();
  });
}

Result<void> Store::put_revocation(const control::Revocation& revocation) {
  return database_->prepare("INSERT OR REPLACE INTO revoked(node_key, until_s) VALUES(?, ?)")
      .bind(revocation.node_key.bytes())
      .bind(static_cast<std::int64_t>(revocation.until_s))
      .run();
}

Result<std::vector<control::Revocation>> Store::revocations(std::uint64_t now_s) {
  auto forget = database_->prepare("DELETE FROM revoked WHERE until_s<=?");
  if (auto done = forget.bind(static_cast<std::int64_t>(now_s)).run(); !done) return std::unexpected(done.error());
  std::vector<control::Revocation> all;
  auto row = database_->prepare("SELECT node_key, until_s FROM revoked ORDER BY node_key");
  for (;;) {
    const auto found = row.step();
    if (!found) return std::unexpected(found.error());
    if (!*found) return all;
    const auto key = crypto::PublicKey::from_bytes(row.blob(0));
    if (!key) return std::unexpected(damaged("a revocation"));
    all.push_back({*key, static_cast<std::uint64_t>(row.integer(1))});
  }
}

Result<std::uint64_t> Store::removal_floor(const crypto::PublicKey& machine_key) {
  auto row = database_->prepare("SELECT key_floor FROM removed WHERE machine_key=?");
  const auto found = row.bind(machine_key.bytes()).step();
  if (!found) return std::unexpected(found.error());
  return *found ? static_cast<std::uint64_t>(row.integer(0)) : 0;
}

}  // namespace weft::coordinator

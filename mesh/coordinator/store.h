// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/coordinator/keys.h"
#include "mesh/coordinator/node.h"

namespace weft {
class Entropy;
}
namespace weft::io {
class Clock;
class FileSystem;
}  // namespace weft::io

namespace weft::coordinator {

class Database;
class SqliteVfs;

/// The coordinator's durable state: settings, setup keys, nodes. Each call is durable when it returns; transact() joins
/// several. Errors of all calls: io, corrupt, limit.
class Store {
 public:
  /// Opens or makes `coordinator.db`. Errors also: usage if a newer program wrote it.
  static Result<std::unique_ptr<Store>> open(io::FileSystem& files, io::Clock& clock, Entropy& entropy);
  ~Store();

  Result<void> transact(const std::function<Result<void>()>& work);

  Result<std::optional<Bytes>> setting(const std::string& name);
  Result<void> put_setting(const std::string& name, ByteView value);

  Result<std::uint64_t> add_key(const KeyInfo& key, const crypto::Blake2sDigest& hash);
  Result<std::vector<KeyInfo>> keys();
  Result<std::optional<KeyInfo>> find_key(const crypto::Blake2sDigest& hash);
  Result<void> count_use(std::uint64_t key);
  /// False if there is no such key.
  Result<bool> revoke_key(std::uint64_t key);

  Result<std::vector<Node>> nodes();
  /// A node with id 0 is new; its number is returned.
  Result<std::uint64_t> put_node(const Node& node);
  /// With a `ban`, remembers that the machine was removed, and which setup keys existed then.
  Result<void> remove_node(const Node& node, bool ban);
  /// Relays are told until `until_s` that the node's admissions up to then are void.
  Result<void> put_revocation(const control::Revocation& revocation);
  /// Those that end after `now_s`; forgets the others.
  Result<std::vector<control::Revocation>> revocations(std::uint64_t now_s);
  /// The newest setup key when this machine was removed; 0 if it was not.
  Result<std::uint64_t> removal_floor(const crypto::PublicKey& machine_key);

 private:
  Store(std::unique_ptr<SqliteVfs> vfs, std::unique_ptr<Database> database);
  Result<void> make_tables();
  std::unique_ptr<SqliteVfs> vfs_;
  std::unique_ptr<Database> database_;
};

}  // namespace weft::coordinator

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/identity.h"

#include "mesh/io/state_store.h"

namespace weft::agent {
namespace {

constexpr std::uint8_t kVersion = 1;
const std::string kKeysEntry = "identity";
const std::string kTokenEntry = "token";

Result<void> load_keys(io::StateStore& store, Entropy& entropy, Identity& identity) {
  auto stored = store.get(kKeysEntry);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) {
    identity.machine_key = crypto::PrivateKey::generate(entropy);
    identity.node_key = crypto::PrivateKey::generate(entropy);
    Writer writer;
    writer.u8(kVersion).u8(static_cast<std::uint8_t>(entropy.provenance()));
    writer.bytes(identity.machine_key.bytes()).bytes(identity.node_key.bytes());
    return store.put(kKeysEntry, writer.view());
  }
  Reader reader(**stored);
  const bool known = reader.u8() == kVersion;
  const auto provenance = static_cast<KeyProvenance>(reader.u8());
  const auto machine_key = crypto::PrivateKey::from_bytes(reader.bytes(32));
  const auto node_key = crypto::PrivateKey::from_bytes(reader.bytes(32));
  crypto::wipe(**stored);
  if (!known || !reader.complete() || !machine_key || !node_key) {
    return fail(ErrorCode::corrupt,
                "the stored identity cannot be read; remove it from the state directory and join anew");
  }
  if (provenance != entropy.provenance()) {
    return fail(ErrorCode::usage, "the stored identity was made by a simulation; remove it from the state directory");
  }
  identity.machine_key = *machine_key;
  identity.node_key = *node_key;
  return {};
}

Result<void> load_token(io::StateStore& store, Entropy& entropy, const std::optional<std::string>& given,
                        Identity& identity) {
  auto stored = store.get(kTokenEntry);
  if (!stored) return std::unexpected(stored.error());
  if (!given && !*stored)
    return fail(ErrorCode::needs_login, "this host has not joined a network; give it a key: weft up --key TOKEN");
  const std::string text = given ? *given : std::string(as_text(**stored));
  const auto token = control::parse_token(text);
  if (!token)
    return fail(ErrorCode::usage, std::string("the key is no setup key of Weft: ") + control::describe(token.error()));
  if (token->provenance != entropy.provenance()) {
    return fail(ErrorCode::usage, "the key belongs to a simulated network; make one with: weft key create");
  }
  identity.token = *token;
  if (*stored && as_text(**stored) == text) return {};
  return store.put(kTokenEntry, as_bytes(text));
}

}  // namespace

Result<Identity> load_identity(io::StateStore& store, Entropy& entropy, const std::optional<std::string>& token_text) {
  Identity identity;
  if (auto done = load_token(store, entropy, token_text, identity); !done) return std::unexpected(done.error());
  if (auto done = load_keys(store, entropy, identity); !done) return std::unexpected(done.error());
  return identity;
}

}  // namespace weft::agent

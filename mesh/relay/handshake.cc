// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/handshake.h"

#include <algorithm>

#include "mesh/crypto/blake2s.h"

namespace weft::relay {
namespace {

constexpr std::string_view kHelloContext = "weft relay hello 1";
constexpr std::string_view kProofContext = "weft relay proof 1";
constexpr std::size_t kSignatureSize = 64;

Bytes signed_text(ByteView unsigned_body) {
  return Writer().bytes(as_bytes(kHelloContext)).bytes(unsigned_body).take();
}

std::expected<void, RelayError> check_version(Reader& reader) {
  const std::uint8_t version = reader.u8();
  if (reader.failed()) return std::unexpected(RelayError::malformed);
  if (version != kVersion) return std::unexpected(RelayError::unsupported_version);
  return {};
}

Proof prove(ByteView key, const RelayHello& relay, const ClientHello& client) {
  Proof proof;
  crypto::blake2s_keyed(key, {relay.body, client.node_key.bytes(), client.nonce, client.admission}, proof);
  return proof;
}

}  // namespace

RelayHello make_relay_hello(const crypto::PublicKey& ephemeral, const Nonce& nonce,
                            const crypto::SigningKey& identity) {
  Writer writer;
  writer.u8(kVersion).bytes(ephemeral.bytes()).bytes(nonce);
  writer.bytes(identity.sign(signed_text(writer.view())));
  return {ephemeral, nonce, writer.take()};
}

std::expected<RelayHello, RelayError> parse_relay_hello(ByteView body) {
  Reader reader(body);
  if (const auto version = check_version(reader); !version) return std::unexpected(version.error());
  RelayHello hello;
  const auto ephemeral = crypto::PublicKey::from_bytes(reader.bytes(kKeySize));
  reader.copy_to(hello.nonce);
  reader.skip(kSignatureSize);
  if (!reader.complete() || !ephemeral) return std::unexpected(RelayError::malformed);
  hello.ephemeral = *ephemeral;
  hello.body = to_bytes(body);
  return hello;
}

bool signed_by(const RelayHello& hello, const crypto::VerifyKey& identity) {
  const ByteView body = hello.body;
  const std::size_t unsigned_size = body.size() - kSignatureSize;
  return crypto::verify(identity, signed_text(body.first(unsigned_size)), body.subspan(unsigned_size));
}

Bytes encode(const ClientHello& hello) {
  return Writer()
      .u8(kVersion)
      .bytes(hello.node_key.bytes())
      .bytes(hello.nonce)
      .bytes(hello.proof)
      .bytes(hello.admission)
      .take();
}

std::expected<ClientHello, RelayError> parse_client_hello(ByteView body) {
  Reader reader(body);
  if (const auto version = check_version(reader); !version) return std::unexpected(version.error());
  ClientHello hello{};
  const auto node_key = crypto::PublicKey::from_bytes(reader.bytes(kKeySize));
  reader.copy_to(hello.nonce);
  reader.copy_to(hello.proof);
  if (reader.failed() || !node_key) return std::unexpected(RelayError::malformed);
  hello.node_key = *node_key;
  hello.admission = reader.rest();
  return hello;
}

std::expected<Proofs, RelayError> make_proofs(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs,
                                              const RelayHello& relay, const ClientHello& client) {
  const auto secret = crypto::x25519(ours, theirs);
  if (!secret) return std::unexpected(RelayError::wrong_proof);
  std::array<crypto::Blake2sDigest, 3> keys;
  crypto::kdf_blake2s(crypto::blake2s({as_bytes(kProofContext)}), secret->bytes(), keys);
  const Proofs proofs{prove(keys[0], relay, client), prove(keys[1], relay, client), crypto::SymmetricKey(keys[2])};
  for (auto& key : keys) crypto::wipe(key);
  return proofs;
}

}  // namespace weft::relay

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <expected>

#include "mesh/base/bytes.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/frame.h"

namespace weft::relay {

/// The three bodies by which relay and client show each other their keys. The client's proof is a MAC of both hellos
/// under a key from DH(relay's ephemeral, node key); only who holds the node key can make it, and the ephemeral key and
/// nonce are new for each connection, so a recorded one is worth nothing. The relay's proof is a MAC under the same
/// secret, which it shares only if the ephemeral key that its identity key signed is its own.

using Nonce = std::array<std::uint8_t, kNonceSize>;
using Proof = std::array<std::uint8_t, kProofSize>;

struct RelayHello {
  crypto::PublicKey ephemeral;
  Nonce nonce;
  Bytes body;  // the whole body as on the wire, for the transcript
};
RelayHello make_relay_hello(const crypto::PublicKey& ephemeral, const Nonce& nonce, const crypto::SigningKey& identity);
/// Does not verify the signature. Errors: unsupported_version, malformed.
std::expected<RelayHello, RelayError> parse_relay_hello(ByteView body);
bool signed_by(const RelayHello& hello, const crypto::VerifyKey& identity);

struct ClientHello {
  crypto::PublicKey node_key;
  Nonce nonce;
  Proof proof;
  ByteView admission;
};
Bytes encode(const ClientHello& hello);
/// Views into `body`. Errors: unsupported_version, malformed.
std::expected<ClientHello, RelayError> parse_client_hello(ByteView body);

struct Proofs {
  Proof client;
  Proof relay;
  crypto::SymmetricKey udp_key;  // of the control datagrams of relay over UDP
};
/// Both proofs for these hellos under DH(ours, theirs); the proof inside `client` is not looked at. wrong_proof if the
/// other side's key is a low-order point.
std::expected<Proofs, RelayError> make_proofs(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs,
                                              const RelayHello& relay, const ClientHello& client);

}  // namespace weft::relay

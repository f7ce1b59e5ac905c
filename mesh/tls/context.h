// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft {
class Entropy;
}  // namespace weft

namespace weft::tls {

/// What a server's self-signed Ed25519 certificate says. Equal identities give equal certificates, byte for byte.
struct Identity {
  crypto::SigningKey key;
  WallTime not_before;
  WallTime not_after;
  std::uint64_t serial = 1;
  std::string common_name = "weft";
};

/// What all TLS sessions of a host share: TLS 1.3 alone, X25519, Ed25519, no session tickets, no CA store. It lives in
/// an OpenSSL library context that only the contexts of its thread share, and its random numbers come from `entropy`;
/// OpenSSL's global state is not touched. `entropy` outlives the context, and the context outlives its sessions. All
/// are used and destroyed on the thread that made them.
class Context {
 public:
  /// For clients.
  explicit Context(Entropy& entropy);
  /// For servers, and for clients beside them.
  Context(Entropy& entropy, const Identity& identity);
  ~Context();

  bool can_serve() const { return can_serve_; }
  /// The certificate in DER; empty if can_serve() is false.
  Bytes certificate() const;

  struct Native;
  Native& native() { return *native_; }

 private:
  std::unique_ptr<Native> native_;
  bool can_serve_ = false;
};

}  // namespace weft::tls

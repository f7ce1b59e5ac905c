// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft::coordinator {

class Store;

/// The keys that make a coordinator this coordinator; made on the first start, all at once, and kept in the store.
struct Identity {
  crypto::PrivateKey noise;      // pinned by every token
  crypto::SigningKey admission;  // relays verify admissions with it
  crypto::SigningKey tls;        // of the certificate, which nobody needs to trust
  WallTime created;
  std::array<std::uint8_t, 6> ula_prefix{};  // the network's IPv6 /48
  KeyProvenance provenance = KeyProvenance::operating_system;
};

/// Errors: those of Store; corrupt; usage if the keys are a simulation's and this host is not one.
Result<Identity> load_or_make_identity(Store& store, Entropy& entropy, WallTime now);

}  // namespace weft::coordinator

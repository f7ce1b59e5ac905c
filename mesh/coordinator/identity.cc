// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/identity.h"

#include "mesh/coordinator/store.h"

namespace weft::coordinator {
namespace {

constexpr std::uint8_t kVersion = 1;

Bytes encode(const Identity& identity) {
  Writer out;
  out.u8(kVersion).u8(static_cast<std::uint8_t>(identity.provenance));
  out.bytes(identity.noise.bytes()).bytes(identity.admission.bytes()).bytes(identity.tls.bytes());
  out.u64be(static_cast<std::uint64_t>(identity.created.time_since_epoch().count())).bytes(identity.ula_prefix);
  return out.take();
}

std::optional<Identity> parse(ByteView bytes) {
  Reader in(bytes);
  Identity identity;
  if (in.u8() != kVersion) return std::nullopt;
  identity.provenance = in.u8() == 0 ? KeyProvenance::operating_system : KeyProvenance::simulated;
  const auto noise = crypto::PrivateKey::from_bytes(in.bytes(32));
  const auto admission = crypto::SigningKey::from_bytes(in.bytes(32));
  const auto tls = crypto::SigningKey::from_bytes(in.bytes(32));
  identity.created = WallTime(Duration(static_cast<Duration::rep>(in.u64be())));
  in.copy_to(identity.ula_prefix);
  if (!in.complete() || !noise || !admission || !tls) return std::nullopt;
  identity.noise = *noise;
  identity.admission = *admission;
  identity.tls = *tls;
  return identity;
}

Identity make(Entropy& entropy, WallTime now) {
  Identity identity;
  identity.noise = crypto::PrivateKey::generate(entropy);
  identity.admission = crypto::SigningKey::generate(entropy);
  identity.tls = crypto::SigningKey::generate(entropy);
  identity.created = now;
  entropy.fill(identity.ula_prefix);
  identity.ula_prefix[0] = 0xFD;  // RFC 4193 §3.1: locally assigned
  identity.provenance = entropy.provenance();
  return identity;
}

}  // namespace

Result<Identity> load_or_make_identity(Store& store, Entropy& entropy, WallTime now) {
  const auto stored = store.setting("identity");
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) {
    Identity identity = make(entropy, now);
    Bytes bytes = encode(identity);
    const auto kept = store.put_setting("identity", bytes);
    crypto::wipe(bytes);
    if (!kept) return std::unexpected(kept.error());
    return identity;
  }
  auto identity = parse(**stored);
  if (!identity)
    return fail(ErrorCode::corrupt, "the coordinator's keys cannot be read: restore a backup of the state directory");
  if (identity->provenance != entropy.provenance() && identity->provenance == KeyProvenance::simulated) {
    return fail(ErrorCode::usage,
                "this state directory was made by a simulation, its keys are not secret: use another one");
  }
  return *identity;
}

}  // namespace weft::coordinator

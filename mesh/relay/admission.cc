// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/admission.h"

#include <chrono>
#include <string_view>

namespace weft::relay {
namespace {

constexpr std::uint8_t kAdmissionVersion = 1;
constexpr std::string_view kContext = "weft relay admission 1";
constexpr std::size_t kSignedSize = kAdmissionSize - 64;
/// How far the clocks of coordinator and relay may differ.
constexpr Duration kAllowedSkew = 1h;
/// The last second a WallTime can hold.
constexpr std::uint64_t kMaxSeconds = 9'223'372'036;

Bytes signed_text(ByteView body) { return Writer().bytes(as_bytes(kContext)).bytes(body).take(); }

}  // namespace

Bytes sign(const Admission& admission, const crypto::SigningKey& coordinator) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(admission.not_after.time_since_epoch()).count();
  Writer writer;
  writer.u8(kAdmissionVersion).bytes(admission.node_key.bytes()).u64be(static_cast<std::uint64_t>(seconds));
  writer.bytes(coordinator.sign(signed_text(writer.view())));
  return writer.take();
}

std::expected<Admission, RelayError> verify_admission(ByteView bytes, const crypto::VerifyKey& coordinator,
                                                      WallTime now) {
  Reader reader(bytes);
  const std::uint8_t version = reader.u8();
  if (!reader.failed() && version != kAdmissionVersion) return std::unexpected(RelayError::unsupported_version);
  const auto node_key = crypto::PublicKey::from_bytes(reader.bytes(crypto::PublicKey::kSize));
  const std::uint64_t seconds = reader.u64be();
  const ByteView signature = reader.bytes(64);
  if (!reader.complete() || !node_key || seconds > kMaxSeconds) return std::unexpected(RelayError::malformed);
  if (!crypto::verify(coordinator, signed_text(bytes.first(kSignedSize)), signature)) {
    return std::unexpected(RelayError::wrong_signature);
  }
  const WallTime not_after{std::chrono::seconds(seconds)};
  if (not_after <= now || not_after > now + kMaxAdmissionLife + kAllowedSkew) {
    return std::unexpected(RelayError::admission_expired);
  }
  return Admission{*node_key, not_after};
}

}  // namespace weft::relay

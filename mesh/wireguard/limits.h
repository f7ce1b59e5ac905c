// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "mesh/base/time.h"

namespace weft::wireguard {

/// The constants of the WireGuard paper's §6.1, per device. The defaults are the paper's; smaller ones are safe towards
/// any peer (keys live shorter), larger ones are refused by Device.
struct Limits {
  std::uint64_t rekey_after_messages = std::uint64_t{1} << 60;
  std::uint64_t reject_after_messages = ~std::uint64_t{0} - (std::uint64_t{1} << 13);  // 2^64 - 2^13 - 1
  Duration rekey_after_time = 120s;
  Duration reject_after_time = 180s;
  Duration rekey_attempt_time = 90s;
  Duration rekey_timeout = 5s;
  Duration keepalive_timeout = 10s;
};

/// Added at random to rekey_timeout, so that two peers that start at once do not stay in step (§6.1).
inline constexpr Duration kRekeyTimeoutJitter = 333ms;
/// Least distance between two initiations taken from one peer, against replay floods (50 per second, as Linux does).
inline constexpr Duration kInitiationSpacing = 20ms;
/// If the path changes while an initiation is unanswered, the next one need not wait for rekey_timeout, only for this.
inline constexpr Duration kPathChangeRetry = 1s;
/// A cookie and the secret behind it live this long (§5.4.7); the sender stops using its cookie a little earlier.
inline constexpr Duration kCookieLifetime = 120s;
inline constexpr Duration kCookieLatency = 5s;

/// A flood of messages with a right mac1 shall not buy more of our time and uplink than 10,000 cookie replies a second,
/// and one from few addresses shall not take the others' replies: sources fall into shares by their address, each of
/// which has so many a second, and at once. Those left without an answer try again (§6.4).
inline constexpr std::size_t kCookieReplyShares = 256;
inline constexpr std::uint32_t kCookieReplyRate = 40;
inline constexpr std::uint32_t kCookieReplyBurst = 4;

/// Packets, and bytes, that wait for a session, per peer; the oldest go first.
inline constexpr std::size_t kMaxStagedPackets = 128;
inline constexpr std::size_t kMaxStagedBytes = 256 * 1024;

}  // namespace weft::wireguard

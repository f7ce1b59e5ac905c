// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay {

/// How a node learns whether a port that its gateway has mapped lets strangers in: on its stream it asks the relay for
/// one datagram to that port, and the relay sends it from a socket that nobody has sent to before. There is no address
/// in the question: the datagram goes to the one that the relay itself knows the node by, so nobody else is reached,
/// and it is smaller than the question.
///
///     node → relay  frame dial_back   token (16), port (2)
///     relay → node  datagram          D8, version and type (1), token (16)
///     relay → node  frame dialled     token (16), outcome (1), family (1: 0, 4 or 6), address (16)
using DialToken = std::array<std::uint8_t, 16>;

struct DialRequest {
  DialToken token{};
  std::uint16_t port = 0;
  friend bool operator==(const DialRequest&, const DialRequest&) = default;
};

enum class DialOutcome : std::uint8_t {
  sent = 0,
  unavailable = 1,   // this relay has no UDP, or does not know an IPv4 address of the node
  rate_limited = 2,  // ask again later
};

/// The relay's answer. `seen`: the address that it knows the node by, where the datagram went.
struct Dialled {
  DialToken token{};
  DialOutcome outcome = DialOutcome::unavailable;
  std::optional<IpAddress> seen;
  friend bool operator==(const Dialled&, const Dialled&) = default;
};

Bytes encode(const DialRequest& request);
/// nullopt if it is too short or the port is 0. Bytes behind the known ones are ignored, as in parse_dialled().
std::optional<DialRequest> parse_dial_request(ByteView body);
Bytes encode(const Dialled& dialled);
std::optional<Dialled> parse_dialled(ByteView body);

inline constexpr std::size_t kDialSize = 2 + 16;
std::array<std::uint8_t, kDialSize> dial_datagram(const DialToken& token);
/// The token of a datagram that a relay sent on request; nullopt if it is none.
std::optional<DialToken> parse_dial_datagram(ByteView datagram);

/// How many datagrams a relay sends to one address on request: kBurst at once, then one each kInterval. Many nodes may
/// share an address. At most kMaxAddresses that have asked lately are remembered; while there are that many, others are
/// refused.
class DialLimiter {
 public:
  static constexpr int kBurst = 32;
  static constexpr Duration kInterval = 250ms;
  static constexpr std::size_t kMaxAddresses = 8192;

  bool allow(Time now, const IpAddress& address);

 private:
  void forget_idle(Time now);

  std::map<IpAddress, Time> full_at_;  // when the bucket of an address will be full again
};

}  // namespace weft::relay

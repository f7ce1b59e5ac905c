// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "mesh/base/time.h"

namespace weft::path {

/// RFC 4787 §4.1, as far as it is known.
enum class Mapping : std::uint8_t {
  unknown = 0,
  endpoint_independent = 1,
  address_dependent = 2,
  address_and_port_dependent = 3,
  unknown_beyond_address = 4,  // the same for every port of one address; there is no second address to ask
};
/// RFC 4787 §5, as far as it is known.
enum class Filtering : std::uint8_t {
  unknown = 0,
  endpoint_independent = 1,
  address_dependent = 2,
  address_and_port_dependent = 3,
  unknown_beyond_address = 4,  // not by port; no server can answer from another address
};
/// RFC 4787 §4.2.1: how the port of a new mapping is chosen, as throw-away sockets have seen it.
enum class Allocation : std::uint8_t { unknown = 0, preserve = 1, sequential = 2, random = 3 };

/// External ports, both ends included; low 0: not known.
struct PortRange {
  std::uint16_t low = 0;
  std::uint16_t high = 0;

  bool known() const { return low != 0; }
  /// Where nothing was learned, the ports that NATs give out: 1024 to 65535.
  PortRange or_all() const { return known() ? *this : PortRange{1024, 65535}; }
  std::uint32_t size() const { return std::uint32_t{high} - low + 1; }
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// What a node knows about the outermost behaviour of the NATs in front of it. The values of the enums are those of the
/// wire; they never change.
struct NatFacts {
  Mapping mapping = Mapping::unknown;
  Filtering filtering = Filtering::unknown;
  bool udp_blocked = false;  // no STUN server has answered on any socket
  Allocation allocation = Allocation::unknown;
  std::int16_t delta = 0;     // of sequential allocation
  PortRange ports;            // from which random allocation draws: the learned block
  Duration lifetime{0};       // of an idle mapping whose flow was answered; zero: not measured
  std::uint8_t nat_hops = 0;  // routers from the host to the outermost NAT, that one included; 0: not known

  /// The port towards a new peer is not the one that a STUN server saw.
  bool symmetric() const {
    return mapping == Mapping::address_dependent || mapping == Mapping::address_and_port_dependent;
  }
  /// Too few servers to tell: the port towards a new peer may be another.
  bool perhaps_symmetric() const {
    return mapping == Mapping::unknown_beyond_address ||
           (mapping == Mapping::unknown && allocation != Allocation::unknown);
  }
  /// The TTL of a packet that opens our own NATs and dies behind them, before it reaches the peer's.
  std::uint8_t opener_ttl() const { return static_cast<std::uint8_t>(nat_hops == 0 ? 2 : nat_hops + 1); }
  friend bool operator==(const NatFacts&, const NatFacts&) = default;
};

/// RFC 4787's words in snake case, "unknown", and "udp_blocked" as a word of its own for a mapping.
std::string_view mapping_word(const NatFacts& facts);
std::string_view filtering_word(const NatFacts& facts);
std::string_view allocation_word(const NatFacts& facts);
/// Words that this version does not know read as `unknown`.
NatFacts facts_from_words(std::string_view mapping, std::string_view filtering);
Allocation allocation_from_word(std::string_view word);

}  // namespace weft::path

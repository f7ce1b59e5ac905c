// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
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

/// Whether the inside reaches a mapping of the same NAT, and from which source it then seems to come (RFC 4787 §6).
enum class Hairpinning : std::uint8_t { unknown = 0, none = 1, internal_source = 2, external_source = 3 };
/// RFC 4787 §4.1, "IP address pooling": whether all sockets of a host leave by one external address.
enum class Pooling : std::uint8_t { unknown = 0, paired = 1, arbitrary = 2 };
/// What has become of the port that the gateway was asked to open.
enum class PortMapping : std::uint8_t {
  unknown = 0,     // not asked, or not answered yet
  none = 1,        // no gateway grants one
  mapped = 2,      // granted; nobody has tried it from outside yet
  verified = 3,    // a relay reached us through it
  dead = 4,        // granted and renewed, but nothing comes through
  second_nat = 5,  // nothing comes through, and the gateway's outside is not the Internet's
  off = 6,         // the user does not want it
};

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
  std::uint8_t layers = 0;    // NATs on the way, at least; 0: not known
  Hairpinning hairpinning = Hairpinning::unknown;
  Pooling pooling = Pooling::unknown;
  PortMapping port_mapping = PortMapping::unknown;
  /// New mappings of others on the same NAT, as far as a sequence of ports shows them; nullopt: not measured.
  std::optional<std::uint16_t> allocations_per_minute;
  bool searching = false;  // this node has a search in flight: siblings behind the same NAT wait with theirs

  /// The port towards a new peer is not the one that a STUN server saw.
  bool symmetric() const {
    return mapping == Mapping::address_dependent || mapping == Mapping::address_and_port_dependent;
  }
  /// Too few servers to tell: the port towards a new peer may be another.
  bool perhaps_symmetric() const {
    return mapping == Mapping::unknown_beyond_address ||
           (mapping == Mapping::unknown && allocation != Allocation::unknown);
  }
  /// Strangers reach us at a candidate of kind port_mapped, whatever the NAT does with our own flows.
  bool open_to_strangers() const { return port_mapping == PortMapping::verified; }
  /// The TTL of a packet that opens our own NATs and dies behind them, before it reaches the peer's.
  std::uint8_t opener_ttl() const { return static_cast<std::uint8_t>(nat_hops == 0 ? 2 : nat_hops + 1); }
  friend bool operator==(const NatFacts&, const NatFacts&) = default;
};

/// Only what decides how a pair looks for a path; the rest is unknown. A change of anything else disturbs no search.
NatFacts decisive(NatFacts facts);

/// RFC 4787's words in snake case, "unknown", and "udp_blocked" as a word of its own for a mapping.
std::string_view mapping_word(const NatFacts& facts);
std::string_view filtering_word(const NatFacts& facts);
std::string_view allocation_word(const NatFacts& facts);
std::string_view name(Hairpinning hairpinning);
std::string_view name(Pooling pooling);
std::string_view name(PortMapping state);
/// Words that this version does not know read as `unknown`.
NatFacts facts_from_words(std::string_view mapping, std::string_view filtering);
Allocation allocation_from_word(std::string_view word);
Hairpinning hairpinning_from_word(std::string_view word);
Pooling pooling_from_word(std::string_view word);
PortMapping port_mapping_from_word(std::string_view word);

}  // namespace weft::path

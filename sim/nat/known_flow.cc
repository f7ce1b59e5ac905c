// SPDX-License-Identifier: GPL-2.0-only
// Nearly all packets are IPv4 without options and belong to a flow that both its table entries and its checksums are
// ready for: they are looked up by their header's own words and rewritten in place. What is in any way special takes
// the long way, which says and does the same (tests/unit/sim_nat/known_flow_test.cc).
#include "sim/nat/checksum.h"
#include "sim/nat/nat_state.h"

namespace weft::nat {
namespace {

constexpr std::uint8_t kPlainHeader = 0x45;  // version 4, five words
constexpr std::size_t kAddresses = 12, kTransport = 20;

void replace_u32(ChecksumDelta& delta, std::uint32_t before, std::uint32_t after) {
  delta.replace(static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
  delta.replace(static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
}

}  // namespace

std::optional<Outcome::Action> Nat::State::known_flow(Time now, Side from, MutableByteView bytes) {
  if (!plain_ || bytes.size() < kTransport + 8) return std::nullopt;
  std::uint8_t* ip = bytes.data();
  const bool tcp = ip[9] == static_cast<std::uint8_t>(Protocol::tcp);
  const bool udp = ip[9] == static_cast<std::uint8_t>(Protocol::udp);
  const std::size_t total = load_u16be(ip + 2);
  const bool fragment = load_u16be(ip + 6) & 0x3FFF;
  if (ip[0] != kPlainHeader || !(tcp || udp) || fragment || total > bytes.size()) return std::nullopt;
  if (total < kTransport + (tcp ? 20 : 8) || (behavior.decrement_ttl && ip[8] <= 1) || !late.empty())
    return std::nullopt;
  if (tcp && (ip[kTransport + 13] & (kTcpSyn | kTcpFin | kTcpRst))) return std::nullopt;

  const auto protocol = tcp ? Protocol::tcp : Protocol::udp;
  const Key source(load_u32be(ip + kAddresses), load_u16be(ip + kTransport), protocol, false);
  const Key destination(load_u32be(ip + kAddresses + 4), load_u16be(ip + kTransport + 2), protocol, false);
  const bool outbound = from == Side::inside;
  if (outbound && table.translated(destination)) {
    for (const std::uint32_t own : external_v4_) {
      if (own == destination.address()) return std::nullopt;
    }
  }
  const Direction direction = outbound ? Direction::outbound : Direction::inbound;
  const std::uint32_t session =
      outbound ? table.find_outbound(source, destination) : table.find_inbound(destination, source);
  if (session == kNone || !table.note_known(now, session, direction)) return std::nullopt;
  const Binding& binding = table.binding(table.session(session).binding);
  const Key before = outbound ? source : destination;
  const Key after = outbound ? binding.external : binding.internal;

  ChecksumDelta header;
  if (behavior.decrement_ttl) {
    const std::uint16_t word = load_u16be(ip + 8);
    --ip[8];
    header.replace(word, load_u16be(ip + 8));
  }
  if (before != after) {
    std::uint8_t* address = ip + kAddresses + (outbound ? 0 : 4);
    ChecksumDelta moved;
    replace_u32(moved, before.address(), after.address());
    replace_u32(header, before.address(), after.address());
    moved.replace(before.port(), after.port());
    store_u32be(address, after.address());
    store_u16be(ip + kTransport + (outbound ? 0 : 2), after.port());
    std::uint8_t* at = ip + kTransport + (tcp ? 16 : 6);
    if (const std::uint16_t sum = load_u16be(at); tcp || sum != 0) {
      const std::uint16_t updated = moved.apply(sum);
      store_u16be(at, udp && updated == 0 ? 0xFFFF : updated);
    }
  }
  if (before != after || behavior.decrement_ttl) store_u16be(ip + 10, header.apply(load_u16be(ip + 10)));
  return outbound ? Outcome::Action::forward_out : Outcome::Action::forward_in;
}

}  // namespace weft::nat

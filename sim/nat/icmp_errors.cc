// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/checksum.h"
#include "sim/nat/header_translation.h"
#include "sim/nat/icmp.h"
#include "sim/nat/nat_state.h"
#include "sim/nat/rfc6052.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

/// RFC 5508 REQ-3: the ICMP checksum, and a) the checksum of the quoted IP header, are right; c) the quoted transport's
/// is not looked at.
bool sound_error(const Packet& packet, const Packet& quoted) {
  if (quoted.is_v4() && ones_sum(quoted.bytes.first(quoted.transport)) != 0xFFFF) return false;
  if (packet.fragment) return true;  // the rest of the message is elsewhere
  const ByteView message = packet.bytes.subspan(packet.transport);
  const std::uint16_t pseudo =
      packet.is_v4() ? 0 : pseudo_header_sum(packet.source.address, packet.destination.address, 58, message.size());
  return ones_sum(message, pseudo) == 0xFFFF;
}

}  // namespace

/// An ICMP error from inside about a packet that came from outside (RFC 5508 §4.2): refreshes nothing.
Outcome Nat::State::error_outbound(Packet& packet) {
  auto quoted = parse_quoted(packet);
  if (!quoted || behavior.icmp_errors == IcmpErrors::dropped) return dropped(DropReason::icmp_unmatched);
  if (!sound_error(packet, *quoted)) return dropped(DropReason::malformed);
  const Endpoint remote = to_outside(quoted->source);
  const Key near = table.key(quoted->protocol, quoted->destination);
  const Key far = table.key(quoted->protocol, remote);
  const std::uint32_t session = table.find_outbound(near, far);
  const std::uint32_t number = session == kNone ? table.find_binding(near, far) : table.session(session).binding;
  if (number == kNone) return dropped(DropReason::icmp_unmatched);
  if (dies_here(packet)) return dropped(DropReason::ttl_expired);
  const Endpoint mapped = table.endpoint(table.binding(number).external);
  if (mapped.address.family() != packet.source.address.family()) {
    const bool of_sibling = ours(remote.address);
    if (!of_sibling) pass(packet);
    auto error = translate_icmp_error(packet, *quoted, mapped.address, remote, mapped);
    if (!error || packet.fragment) return dropped(DropReason::untranslatable);
    if (of_sibling) {
      auto back = parse_packet(*error);
      return back ? error_inbound(*back, Action::hairpin) : dropped(back.error());
    }
    Outcome outcome = forwarded(Action::forward_out);
    outcome.packets.push_back(std::move(*error));
    return outcome;
  }
  rewrite_quoted(packet, *quoted, remote, mapped);
  if (table.translated(far)) packet.set_source({mapped.address, 0});
  if (table.translated(far) && ours(packet.destination.address)) return error_inbound(packet, Action::hairpin);
  if (table.translated(far)) identify(packet);
  pass(packet);
  return forwarded(Action::forward_out);
}

/// An ICMP error from outside about a packet that one of our flows sent (RFC 5508 §4.1): refreshes nothing.
Outcome Nat::State::error_inbound(Packet& packet, Action action) {
  auto quoted = parse_quoted(packet);
  if (!quoted || behavior.icmp_errors == IcmpErrors::dropped) return dropped(DropReason::icmp_unmatched);
  if (!sound_error(packet, *quoted)) return dropped(DropReason::malformed);
  const Key mapped = table.key(quoted->protocol, quoted->source);
  const Key remote = table.key(quoted->protocol, quoted->destination);
  const std::uint32_t session = table.find_inbound(mapped, remote);
  const std::uint32_t number = session == kNone ? table.binding_at(mapped, remote) : table.session(session).binding;
  if (number == kNone) return dropped(DropReason::icmp_unmatched);
  if (dies_here(packet)) return dropped(DropReason::ttl_expired);
  const Endpoint internal = table.endpoint(table.binding(number).internal);
  pass(packet);
  if (internal.address.family() != packet.source.address.family()) {
    const IpAddress from = embed_ipv4(behavior.nat64_prefix, packet.source.address);
    auto error = translate_icmp_error(packet, *quoted, from, internal, to_inside(quoted->destination, internal));
    if (!error || packet.fragment) return dropped(DropReason::untranslatable);
    Outcome outcome = forwarded(action);
    outcome.packets.push_back(std::move(*error));
    return outcome;
  }
  rewrite_quoted(packet, *quoted, internal, quoted->destination);
  packet.set_destination({internal.address, 0});
  if (table.translated(mapped)) identify(packet);
  return forwarded(action);
}

}  // namespace weft::nat

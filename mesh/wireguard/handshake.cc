// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/device_impl.h"

namespace weft::wireguard {
namespace {

/// How long one burst of handshakes keeps a device under load.
constexpr Duration kLoadLasts = 1s;

}  // namespace

PacketVerdict Device::Impl::handshake(Time now, MessageType type, const PacketSlot& slot) {
  if (type == MessageType::cookie_reply) return consume_cookie_reply(now, slot);
  const ByteView message = slot.slot.bytes();
  if (!cookies.mac1_valid(message)) return ++shared.counters.bad_mac, PacketVerdict::bad_tag;
  if (under_load(now)) {
    if (!cookies.mac2_valid(now, message, slot.path)) {
      if (!cookie_replies) cookie_replies.emplace(now);
      if (!cookie_replies->allow(now, slot.path)) return ++shared.counters.rate_limited, PacketVerdict::overflow;
      ++shared.counters.cookie_replies_sent;
      const std::uint32_t sender_index = load_u32le(message.data() + 4);
      shared.outgoing.push_back({slot.path, slot.peer, cookies.make_reply(now, message, sender_index, slot.path)});
      return PacketVerdict::consumed;
    }
    if (!rate_limiter.allow(now, slot.path)) return ++shared.counters.rate_limited, PacketVerdict::overflow;
  }
  return type == MessageType::handshake_initiation ? consume_initiation(now, slot) : consume_response(now, slot);
}

bool Device::Impl::under_load(Time now) {
  const std::uint32_t threshold = shared.config.load_threshold;
  if (threshold > 0) {
    if (!load) load.emplace(now, threshold, threshold);
    if (!load->take(now)) loaded_until = now + kLoadLasts;
  }
  return load_forced || now < loaded_until;
}

PacketVerdict Device::Impl::consume_initiation(Time now, const PacketSlot& slot) {
  const auto message = parse_initiation(slot.slot.bytes());
  auto received = wireguard::consume_initiation(shared.identity, *message);
  if (!received) return ++shared.counters.bad_tag, PacketVerdict::bad_tag;
  Known* const known = find(received->remote_static);
  if (known == nullptr) return ++shared.counters.unknown_peer, PacketVerdict::no_peer;
  const auto timestamp = authenticate_initiation(*received, known->facts.secrets(shared.identity), *message);
  if (!timestamp) return ++shared.counters.bad_tag, PacketVerdict::bad_tag;
  Peer& peer = wake(now, *known);
  if (!peer.consume_initiation(now, slot.path, std::move(*received), *timestamp)) {
    let_rest(now, *known);
    return ++shared.counters.replayed_handshakes, PacketVerdict::replayed;
  }
  ++shared.counters.initiations_received;
  reschedule(peer);
  return PacketVerdict::consumed;
}

PacketVerdict Device::Impl::consume_response(Time now, const PacketSlot& slot) {
  const auto message = parse_response(slot.slot.bytes());
  const IndexTable::Entry* const entry = shared.indices.find(message->receiver_index);
  if (entry == nullptr) return ++shared.counters.unknown_index, PacketVerdict::no_peer;
  if (entry->session) return ++shared.counters.replayed_handshakes, PacketVerdict::replayed;
  Peer* const peer = find(entry->peer)->live.get();
  if (!peer->consume_response(now, slot.path, *message)) return ++shared.counters.bad_tag, PacketVerdict::bad_tag;
  ++shared.counters.responses_received;
  reschedule(*peer);
  return PacketVerdict::consumed;
}

PacketVerdict Device::Impl::consume_cookie_reply(Time now, const PacketSlot& slot) {
  const auto message = parse_cookie_reply(slot.slot.bytes());
  const IndexTable::Entry* const entry = shared.indices.find(message->receiver_index);
  const Known* const known = entry == nullptr ? nullptr : find(entry->peer);
  if (known == nullptr || !known->live) return ++shared.counters.unknown_index, PacketVerdict::no_peer;
  if (!known->live->consume_cookie_reply(now, *message)) return ++shared.counters.bad_tag, PacketVerdict::bad_tag;
  ++shared.counters.cookie_replies_received;
  return PacketVerdict::consumed;
}

}  // namespace weft::wireguard

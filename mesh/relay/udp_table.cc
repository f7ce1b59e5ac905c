// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/udp_table.h"

#include <algorithm>
#include <utility>

#include "mesh/crypto/blake2s.h"

namespace weft::relay {

std::uint64_t UdpTable::draw() {
  std::array<std::uint8_t, 8> bytes;
  entropy_.fill(bytes);
  return load_u64le(bytes.data());
}

UdpBinding UdpTable::offer(SessionId session, const UdpKey& key) {
  Leg& leg = legs_[session];
  by_binding_.erase(leg.binding);
  leg.key = key;
  leg.address.reset();
  leg.counter = 0;
  do {
    leg.binding = draw();
  } while (leg.binding == 0 || !by_binding_.try_emplace(leg.binding, session).second);
  return leg.binding;
}

void UdpTable::forget(SessionId session) {
  const auto at = legs_.find(session);
  if (at == legs_.end()) return;
  for (const auto& [key, channel] : at->second.channels) {
    if (channel->back != nullptr) channel->back->back = nullptr;
    channels_.erase(channel->number);
  }
  by_binding_.erase(at->second.binding);
  legs_.erase(at);
}

const UdpTable::Leg* UdpTable::bound(SessionId session) const {
  const auto at = legs_.find(session);
  return at == legs_.end() || !at->second.address ? nullptr : &at->second;
}

void UdpTable::handle_control(const UdpAddress& from, ByteView datagram) {
  const auto message = parse_udp_control(datagram);
  if (!message) return;
  const auto at = by_binding_.find(message->binding);
  if (at == by_binding_.end()) return;
  Leg& leg = legs_.at(at->second);
  if (!authentic(datagram, leg.key)) return;
  UdpControl answer{.type = UdpType::alive, .binding = leg.binding, .counter = message->counter, .cookie = {}};
  const UdpCookie cookie = cookie_for(leg.binding, from);
  if (message->type == UdpType::proof) {
    if (message->counter <= leg.counter || !crypto::equal_constant_time(message->cookie, cookie)) return;
    leg.counter = message->counter;
    leg.address = from;
  } else if (message->type != UdpType::hello) {
    return;
  } else if (leg.address != from) {
    answer.type = UdpType::challenge;
    answer.cookie = cookie;
  }
  outgoing_.push_back({from, serialize(answer, leg.key)});
}

std::optional<UdpTable::Outgoing> UdpTable::poll_transmit() {
  if (outgoing_.empty()) return std::nullopt;
  const Outgoing out = outgoing_.front();
  outgoing_.pop_front();
  return out;
}

UdpTable::Channel* UdpTable::find(UdpChannel number) {
  const auto at = channels_.find(number);
  return at == channels_.end() ? nullptr : &at->second;
}

UdpTable::Channel* UdpTable::find(SessionId owner, const crypto::PublicKey& peer) {
  const auto leg = legs_.find(owner);
  if (leg == legs_.end()) return nullptr;
  const auto at = leg->second.channels.find(peer);
  return at == leg->second.channels.end() ? nullptr : at->second;
}

UdpTable::Channel* UdpTable::open(SessionId owner, const crypto::PublicKey& peer) {
  const auto at = legs_.find(owner);
  if (at == legs_.end() || !at->second.address) return nullptr;
  Leg& leg = at->second;
  if (const auto known = leg.channels.find(peer); known != leg.channels.end()) return known->second;
  if (leg.channels.size() >= kMaxChannels) return nullptr;
  UdpChannel number = 0;
  while (number == 0 || channels_.contains(number)) number = static_cast<UdpChannel>(draw());
  Channel& channel = channels_[number];
  channel.number = number;
  channel.owner = owner;
  channel.leg = &leg;
  channel.peer = peer;
  leg.channels.emplace(peer, &channel);
  return &channel;
}

void UdpTable::link(Channel* a, Channel* b) {
  for (Channel* const each : {a, b}) {
    if (each != nullptr && each->back != nullptr) std::exchange(each->back, nullptr)->back = nullptr;
  }
  if (a == nullptr || b == nullptr) return;
  a->back = b;
  b->back = a;
}

UdpCookie UdpTable::cookie_for(UdpBinding binding, const UdpAddress& from) {
  if (!cookie_key_) {
    cookie_key_.emplace();
    entropy_.fill(cookie_key_->mutable_bytes());
  }
  Writer text;
  text.u64be(binding).u16be(from.socket).u16be(from.remote.port).bytes(from.remote.address.bytes());
  UdpCookie cookie;
  crypto::blake2s_keyed(cookie_key_->bytes(), {text.view()}, cookie);
  return cookie;
}

}  // namespace weft::relay

// SPDX-License-Identifier: BSD-3-Clause
// The part of Hub that forwards over UDP.
#include <algorithm>

#include "mesh/relay/hub.h"

namespace weft::relay {

/// Cuts what was received into runs of one channel: a socket may have joined datagrams for several peers.
UdpForwards Hub::forward(std::uint16_t socket, std::span<const DatagramSlot> slots) {
  for (auto& each : forwards_) each.clear();
  route_ = {};
  for (const auto& [slot, meta] : slots) {
    const std::uint32_t length = slot.length;
    const std::uint32_t step = meta.segment_size == 0 ? length : meta.segment_size;
    for (std::uint32_t at = 0; at < length;) {
      const auto channel_at = [&](std::uint32_t offset) {
        return data_channel({slot.data() + offset, std::min(step, length - offset)});
      };
      const auto channel = channel_at(at);
      std::uint32_t end = std::min(length, at + step);
      while (channel && end < length && channel_at(end) == channel) end = std::min(length, end + step);
      Run run{.channel = channel.value_or(0), .slot = slot, .step = std::min(step, end - at)};
      run.slot.offset += at;
      run.slot.length = end - at;
      if (channel) {
        forward_run(socket, meta, run);
      } else {
        udp_.handle_control({socket, meta.source, meta.destination.address}, run.slot.bytes());
        route_ = {};
      }
      at = end;
    }
  }
  return forwards_;
}

/// Datagrams that follow each other mostly go the same way, so it is not looked for again.
void Hub::forward_run(std::uint16_t socket, const DatagramMeta& meta, const Run& run) {
  const bool known = run.channel != 0 && run.channel == route_.channel && meta.source == route_.from;
  if (!known && !find_route(socket, meta, run)) return;
  const Slot& slot = run.slot;
  for (std::uint32_t i = 0; i < slot.length; i += run.step) store_u32be(slot.data() + i + 2, route_.back);
  const std::uint32_t count = run.count();
  counters_.forwarded += count;
  counters_.udp += count;
  counters_.forwarded_bytes += slot.length - count * kUdpDataHeader;
  if (forwards_.size() <= route_.to.socket) forwards_.resize(route_.to.socket + 1u);
  DatagramSlot& item = forwards_[route_.to.socket].emplace_back();
  item.slot = slot;
  item.meta.source.address = route_.to.local;
  item.meta.destination = route_.to.remote;
  item.meta.ecn = meta.ecn;
  item.meta.segment_size = count > 1 ? static_cast<std::uint16_t>(run.step) : std::uint16_t{0};
}

bool Hub::find_route(std::uint16_t socket, const DatagramMeta& meta, const Run& run) {
  route_ = {};
  UdpTable::Channel* const channel = udp_.find(run.channel);
  const auto& from = channel == nullptr ? std::nullopt : channel->leg->address;
  if (!from || from->remote != meta.source || from->socket != socket) {
    counters_.udp_refused += run.count();
    return false;
  }
  const auto at = by_key_.find(channel->peer);
  if (at == by_key_.end()) {
    counters_.absent += run.count();
    Entry& sender = sessions_.at(channel->owner);
    sender.session.report_absent(channel->peer);
    touch(channel->owner, sender);
    return false;
  }
  const UdpTable::Channel* const back = channel->back;
  if (back == nullptr || !back->acknowledged || !back->leg->address) {
    bridge(*channel, at->second, sessions_.at(at->second), run);
    return false;
  }
  route_ = {.channel = run.channel, .from = meta.source, .back = back->number, .to = *back->leg->address};
  return true;
}

/// From a bound client to one that is not, or that does not know its channel yet.
void Hub::bridge(UdpTable::Channel& channel, SessionId receiver_id, Entry& receiver, const Run& run) {
  Entry& sender = sessions_.at(channel.owner);
  ByteView rest = run.slot.bytes();
  while (!rest.empty()) {
    const std::size_t length = std::min<std::size_t>(run.step, rest.size());
    const ByteView datagram = rest.first(length).subspan(kUdpDataHeader);
    rest = rest.subspan(length);
    if (datagram.size() > kMaxDatagram || !receiver.session.deliver(sender.session.node_key(), datagram)) {
      ++counters_.dropped;
      continue;
    }
    ++counters_.forwarded;
    ++counters_.udp_to_stream;
    counters_.forwarded_bytes += datagram.size();
  }
  open_channels(channel.owner, sender, receiver_id, receiver);
  touch(receiver_id, receiver);
}

bool Hub::forward_by_udp(SessionId id, Entry& sender, SessionId receiver_id, Entry& receiver, ByteView datagram) {
  open_channels(id, sender, receiver_id, receiver);
  if (is_handshake(datagram)) return false;
  const auto* const channel = udp_.find(receiver_id, sender.session.node_key());
  if (channel == nullptr || !channel->acknowledged || !channel->leg->address) return false;
  Bytes bytes(kUdpDataHeader + datagram.size());
  write_data_header(bytes.data(), channel->number);
  std::ranges::copy(datagram, bytes.begin() + kUdpDataHeader);
  datagrams_.push_back({*channel->leg->address, std::move(bytes)});
  ++counters_.forwarded;
  ++counters_.stream_to_udp;
  counters_.forwarded_bytes += datagram.size();
  return true;
}

void Hub::open_channels(SessionId a_id, Entry& a, SessionId b_id, Entry& b) {
  auto* const of_a = udp_.open(a_id, b.session.node_key());
  auto* const of_b = udp_.open(b_id, a.session.node_key());
  UdpTable::link(of_a, of_b);
  tell(a_id, a, of_a);
  tell(b_id, b, of_b);
}

void Hub::tell(SessionId id, Entry& entry, UdpTable::Channel* channel) {
  if (channel == nullptr || channel->told) return;
  channel->told = entry.session.tell_channel(channel->peer, channel->number);
  touch(id, entry);
}

std::optional<UdpDatagram> Hub::poll_datagram() {
  if (auto answer = udp_.poll_transmit()) return UdpDatagram{answer->to, to_bytes(answer->bytes)};
  if (datagrams_.empty()) return std::nullopt;
  UdpDatagram datagram = std::move(datagrams_.front());
  datagrams_.pop_front();
  return datagram;
}

}  // namespace weft::relay

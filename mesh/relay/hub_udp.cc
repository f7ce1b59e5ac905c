// SPDX-License-Identifier: BSD-3-Clause
// The part of Hub that forwards over UDP.
#include <algorithm>

#include "mesh/relay/hub.h"

namespace weft::relay {

/// Cuts what was received into runs of one channel: a socket may have joined datagrams for several peers.
std::span<UdpForward> Hub::forward(std::uint16_t socket, std::span<const DatagramSlot> slots) {
  forwards_.clear();
  for (const DatagramSlot& item : slots) {
    const std::uint32_t length = item.slot.length;
    const std::uint32_t step = item.meta.segment_size == 0 ? length : item.meta.segment_size;
    for (std::uint32_t at = 0; at < length;) {
      const auto channel_at = [&](std::uint32_t offset) {
        return data_channel({item.slot.data() + offset, std::min(step, length - offset)});
      };
      const auto channel = channel_at(at);
      std::uint32_t end = std::min(length, at + step);
      while (channel && end < length && channel_at(end) == channel) end = std::min(length, end + step);
      DatagramSlot run = item;
      run.slot.offset += at;
      run.slot.length = end - at;
      run.meta.segment_size = end - at > step ? static_cast<std::uint16_t>(step) : std::uint16_t{0};
      if (channel) {
        forward_run(socket, run);
      } else {
        udp_.handle_control({socket, item.meta.source, item.meta.destination.address}, run.slot.bytes());
      }
      at = end;
    }
  }
  return forwards_;
}

void Hub::forward_run(std::uint16_t socket, const DatagramSlot& run) {
  const Slot& slot = run.slot;
  const std::uint32_t step = run.meta.segment_size == 0 ? slot.length : run.meta.segment_size;
  const std::uint32_t count = (slot.length + step - 1) / step;
  UdpTable::Channel* const channel = udp_.find(*data_channel(slot.bytes()));
  const auto& from = channel == nullptr ? std::nullopt : channel->leg->address;
  if (!from || from->remote != run.meta.source || from->socket != socket) {
    counters_.udp_refused += count;
    return;
  }
  const auto at = by_key_.find(channel->peer);
  if (at == by_key_.end()) {
    counters_.absent += count;
    Entry& sender = sessions_.at(channel->owner);
    sender.session.report_absent(channel->peer);
    return touch(channel->owner, sender);
  }
  const UdpTable::Channel* const back = channel->back;
  if (back == nullptr || !back->acknowledged || !back->leg->address) {
    return bridge(*channel, at->second, sessions_.at(at->second), run);
  }
  for (std::uint32_t i = 0; i < slot.length; i += step) store_u32be(slot.data() + i + 2, back->number);
  counters_.forwarded += count;
  counters_.udp += count;
  counters_.forwarded_bytes += slot.length - count * kUdpDataHeader;
  const UdpAddress& to = *back->leg->address;
  UdpForward& forward = forwards_.emplace_back(UdpForward{to.socket, {slot, {}}});
  forward.item.meta.source.address = to.local;
  forward.item.meta.destination = to.remote;
  forward.item.meta.ecn = run.meta.ecn;
  forward.item.meta.segment_size = run.meta.segment_size;
}

/// From a bound client to one that is not, or that does not know its channel yet.
void Hub::bridge(UdpTable::Channel& channel, SessionId receiver_id, Entry& receiver, const DatagramSlot& run) {
  Entry& sender = sessions_.at(channel.owner);
  const std::uint32_t step = run.meta.segment_size == 0 ? run.slot.length : run.meta.segment_size;
  for (ByteView rest = run.slot.bytes(); !rest.empty(); rest = rest.subspan(std::min<std::size_t>(step, rest.size()))) {
    const ByteView datagram = rest.first(std::min<std::size_t>(step, rest.size())).subspan(kUdpDataHeader);
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

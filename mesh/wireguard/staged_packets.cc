// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/staged_packets.h"

#include <algorithm>

#include "mesh/wireguard/limits.h"
#include "mesh/wireguard/messages.h"

namespace weft::wireguard {

std::size_t StagedPackets::push(ByteView packet, std::size_t padded) {
  Bytes message(kTransportHeaderSize + padded + kTagSize);
  std::ranges::copy(packet, message.begin() + kTransportHeaderSize);
  bytes_ += message.size();
  messages_.push_back(std::move(message));
  std::size_t dropped = 0;
  while (messages_.size() > kMaxStagedPackets || bytes_ > kMaxStagedBytes) {
    pop();
    ++dropped;
  }
  return dropped;
}

Bytes StagedPackets::pop() {
  Bytes message = std::move(messages_.front());
  messages_.pop_front();
  bytes_ -= message.size();
  return message;
}

std::size_t StagedPackets::clear() {
  const std::size_t count = messages_.size();
  messages_.clear();
  bytes_ = 0;
  return count;
}

}  // namespace weft::wireguard

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/out_queue.h"

namespace weft::relay {

bool OutQueue::push_datagram(FrameType type, const crypto::PublicKey& key, ByteView datagram) {
  if (datagrams_.size() + kDatagramOverhead + datagram.size() > limit_) {
    ++dropped_;
    return false;
  }
  append_frame(datagrams_, type, key.bytes(), datagram);
  return true;
}

bool OutQueue::push_control(FrameType type, ByteView first, ByteView second) {
  if (control_.size() + kLengthSize + 1 + first.size() + second.size() > kControlLimit) return false;
  append_frame(control_, type, first, second);
  return true;
}

std::optional<Bytes> OutQueue::take() {
  if (empty()) return std::nullopt;
  if (control_.empty()) return std::exchange(datagrams_, Bytes());
  Bytes all = std::exchange(control_, Bytes());
  all.insert(all.end(), datagrams_.begin(), datagrams_.end());
  datagrams_ = Bytes();
  return all;
}

}  // namespace weft::relay

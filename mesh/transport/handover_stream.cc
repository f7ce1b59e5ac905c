// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/handover_stream.h"

#include <utility>

#include "mesh/base/assert.h"
#include "mesh/io/host.h"

namespace weft::transport {

void HandoverStream::start(io::StreamHandlers handlers) {
  WEFT_ASSERT(!owned_);
  owned_ = true;
  callbacks_.set(std::move(handlers));
  if (!std::exchange(inner_started_, true)) return start_inner();
  host_.post(callbacks_.while_open([this] { deliver_early(); }));
}

void HandoverStream::start_inner() {
  inner_->start({.on_connected = {},
                 .on_data = [this](ByteView bytes) { handle_data(bytes); },
                 .on_writable = [this] { callbacks_.writable(); },
                 .on_closed = [this](const Error& why) { handle_closed(why); }});
}

void HandoverStream::hand_over(Bytes first) {
  WEFT_ASSERT(owned_);
  owned_ = false;
  callbacks_.forget();
  early_ = std::move(first);
}

void HandoverStream::handle_data(ByteView bytes) {
  if (owned_ && early_.empty()) {
    callbacks_.data(bytes);
    return;
  }
  if (ended_) return;
  early_.insert(early_.end(), bytes.begin(), bytes.end());
  if (owned_) {
    deliver_early();
  } else if (early_.size() > io::kStreamQueueLimit) {
    ended_ = Error{ErrorCode::limit, "too many bytes arrived before anybody took the stream"};
    inner_->close();
  }
}

void HandoverStream::handle_closed(const Error& why) {
  if (!ended_) ended_ = why;
  if (owned_) deliver_early();
}

bool HandoverStream::deliver_early() {
  if (!early_.empty() && !callbacks_.data(std::exchange(early_, {}))) return false;
  return !ended_ || callbacks_.closed(*ended_);
}

}  // namespace weft::transport

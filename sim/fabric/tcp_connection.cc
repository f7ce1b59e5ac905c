// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/tcp_connection.h"

#include "mesh/base/assert.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/tcp_layer.h"

namespace weft::fabric {
namespace {

constexpr Duration kMinTimeout = 200ms, kMaxTimeout = 120s, kSynTimeout = 1s;
constexpr int kSynRetries = 6, kRetries = 15;          // as Linux: 127 s and about 15 min
constexpr Duration kTimeWait = 1s, kOrphanWait = 60s;  // after the end, to answer a FIN sent again; without its FIN
constexpr std::uint64_t kWindow = 256 * 1024;
constexpr int kWindowScale = 3;
constexpr std::size_t kCompactAt = 64 * 1024;

}  // namespace

TcpConnection::TcpConnection(TcpLayer& layer, Endpoint local, Endpoint remote, std::uint32_t initial_sequence)
    : Alarm(layer.loop()),
      layer_(layer),
      local_(local),
      remote_(remote),
      send_base_(initial_sequence),
      segment_size_(layer.segment_size(remote.address.family())) {
  congestion_window_ = std::uint64_t{10} * segment_size_;  // RFC 6928
}

void TcpConnection::connect() {
  state_ = State::syn_sent;
  connecting_ = true;
  emit(kSyn, 0, 0);
  next_ = sent_ = 1;
  timed_ = {1, layer_.loop().now()};
  arm(layer_.loop().now() + kSynTimeout);
}

void TcpConnection::accept(const TcpSegment& syn) {
  state_ = State::syn_received;
  receive_base_ = syn.sequence;
  received_ = 1;
  emit(kSyn | kAck, 0, 0);
  next_ = sent_ = 1;
  timed_ = {1, layer_.loop().now()};
  arm(layer_.loop().now() + kSynTimeout);
}

std::uint32_t TcpConnection::receive_window() const {
  return static_cast<std::uint32_t>(kWindow - std::min<std::uint64_t>(kWindow, waiting_.size()));
}

void TcpConnection::emit(std::uint8_t flags, std::uint64_t offset, std::size_t length) {
  ByteView payload;
  if (length > 0) payload = ByteView{out_}.subspan(out_start_ + static_cast<std::size_t>(offset - first_), length);
  const std::uint32_t window = (flags & kSyn) != 0 ? 65'535 : receive_window() >> kWindowScale;
  const bool acks = (flags & kAck) != 0;
  std::array<SackBlock, kMaxSack> blocks;
  const std::size_t reported = flags == kAck && length == 0 ? report_reordered(blocks) : 0;
  layer_.send(local_, remote_, flags, wire_of(offset), acks ? receive_base_ + static_cast<std::uint32_t>(received_) : 0,
              static_cast<std::uint16_t>(window), std::span{blocks}.first(reported), payload);
}

/// What arrived beyond a hole, as ranges: the one that changed last first (RFC 2018 §4).
std::size_t TcpConnection::report_reordered(std::array<SackBlock, kMaxSack>& blocks) const {
  std::size_t count = 0;
  std::optional<SackBlock> latest;
  const auto wire = [this](std::uint64_t offset) { return receive_base_ + static_cast<std::uint32_t>(offset); };
  for (auto at = reordered_.begin(); at != reordered_.end() && (count < kMaxSack || !latest);) {
    const std::uint64_t begin = at->first;
    std::uint64_t end = begin;
    for (; at != reordered_.end() && at->first <= end; ++at) end = std::max(end, at->first + at->second.size());
    const SackBlock block{wire(begin), wire(end)};
    if (begin <= last_reordered_ && last_reordered_ < end) {
      latest = block;
    } else if (count < kMaxSack) {
      blocks[count++] = block;
    }
  }
  if (!latest) return count;
  count = std::min(count + 1, kMaxSack);
  std::shift_right(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(count), 1);
  blocks[0] = *latest;
  return count;
}

/// Sends what the windows allow, then the FIN.
void TcpConnection::push() {
  if (state_ != State::open) return;
  const std::uint64_t limit = acked_ + std::min(congestion_window_ + sacked_bytes(), peer_window_);
  while (next_ < end_offset() && next_ < limit) {
    const auto length = std::min({std::uint64_t{segment_size_}, end_offset() - next_, limit - next_});
    if (next_ == sent_ && !timed_) timed_ = {next_ + length, layer_.loop().now()};
    emit(next_ + length == end_offset() ? kAck | kPsh : kAck, next_, static_cast<std::size_t>(length));
    next_ += length;
    sent_ = std::max(sent_, next_);
  }
  if (end_queued_ && next_ == end_offset()) {
    emit(kAck | kFin, next_, 0);
    sent_ = std::max(sent_, ++next_);
  }
  arm_retransmission();
}

void TcpConnection::arm_retransmission() {
  const bool waiting = in_flight() > 0 || (next_ < end_offset() && peer_window_ == 0);
  if (!waiting) {
    if (!end_acked_) cancel();
  } else if (!armed()) {
    arm(layer_.loop().now() + retransmission_timeout_);
  }
}

void TcpConnection::resend_first() {
  resent_to_ = acked_;
  resend(acked_, segment_size_);
}

void TcpConnection::resend(std::uint64_t offset, std::uint64_t limit) {
  timed_.reset();  // Karn
  if (offset >= end_offset()) return emit(kAck | kFin, offset, 0);
  const auto length = std::min({std::uint64_t{segment_size_}, limit, end_offset() - offset});
  emit(kAck | kPsh, offset, static_cast<std::size_t>(length));
  resent_to_ = offset + length;
  next_ = std::max(next_, resent_to_);
}

/// Sends the first part of the lowest hole that has not been sent again in this recovery. False if there is none.
bool TcpConnection::resend_hole() {
  std::uint64_t at = std::max(acked_, resent_to_);
  for (const auto& [begin, end] : sacked_) {
    if (at < begin) {
      resend(at, begin - at);
      return true;
    }
    at = std::max(at, end);
  }
  return false;
}

std::uint64_t TcpConnection::sacked_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [begin, end] : sacked_) sum += end - begin;
  return sum;
}

/// Keeps the ranges that the peer holds beyond its holes: disjoint, above acked_.
void TcpConnection::note_sacks(const TcpSegment& segment) {
  const auto offset_of = [this](std::uint32_t wire) {
    return acked_ + static_cast<std::uint32_t>(wire - wire_of(acked_));
  };
  for (const SackBlock& block : segment.sacks()) {
    std::uint64_t begin = offset_of(block.begin), end = offset_of(block.end);
    if (begin <= acked_ || begin >= end || end > sent_) continue;
    auto at = sacked_.upper_bound(begin);
    if (at != sacked_.begin() && std::prev(at)->second >= begin) --at;
    while (at != sacked_.end() && at->first <= end) {
      begin = std::min(begin, at->first);
      end = std::max(end, at->second);
      at = sacked_.erase(at);
    }
    sacked_.emplace(begin, end);
  }
}

void TcpConnection::ring() {
  const auto self = shared_from_this();
  if (layer_.host().asleep()) {
    return layer_.host().when_awake([weak = weak_from_this()] {
      if (const auto connection = weak.lock()) connection->arm(connection->layer_.loop().now());
    });
  }
  if (end_acked_) return finish();
  const bool opening = state_ != State::open;
  if (++retries_ > (opening ? kSynRetries : kRetries)) return fail(ErrorCode::timeout, "no answer from ");
  timed_.reset();
  retransmission_timeout_ = std::min(retransmission_timeout_ * 2, kMaxTimeout);
  if (opening) {
    emit(state_ == State::syn_sent ? kSyn : kSyn | kAck, 0, 0);
  } else if (in_flight() == 0) {  // the peer's window is closed: ask with one byte
    retries_ = 0;
    if (next_ == end_offset()) return;
    emit(kAck, next_, 1);
    sent_ = std::max(sent_, ++next_);
  } else {
    slow_start_limit_ = std::max<std::uint64_t>(in_flight() / 2, std::uint64_t{2} * segment_size_);
    congestion_window_ = segment_size_;
    recovering_ = false;
    duplicate_acks_ = 0;
    next_ = acked_;
    sacked_.clear();
    if (peer_window_ == 0) {
      resend_first();
    } else {
      push();
    }
  }
  arm(layer_.loop().now() + retransmission_timeout_);
}

void TcpConnection::receive(const TcpSegment& segment) {
  const auto self = shared_from_this();
  if (state_ == State::syn_sent) return on_syn_sent(segment);
  const auto offset = static_cast<std::uint64_t>(
      static_cast<std::int64_t>(received_) +
      static_cast<std::int32_t>(segment.sequence - (receive_base_ + static_cast<std::uint32_t>(received_))));
  if ((segment.flags & kRst) != 0) {
    if (offset >= received_ && offset <= received_ + kWindow) fail(ErrorCode::io, "connection reset by ");
    return;
  }
  if ((segment.flags & kSyn) != 0) {  // ours got lost, or the answer to it; or both sides open at once
    const bool answers = (segment.flags & kAck) != 0 && segment.acknowledgment == send_base_ + 1;
    if (state_ == State::syn_received && connecting_ && answers) {
      peer_window_ = segment.window;
      state_ = State::open;
      on_new_ack(1);
      acknowledge();
      if (opened()) push();
    } else if (state_ == State::syn_received) {
      emit(kSyn | kAck, 0, 0);
    } else {
      acknowledge();
    }
    return;
  }
  if ((segment.flags & kAck) == 0) return;
  const std::uint64_t ack = acked_ + static_cast<std::uint32_t>(segment.acknowledgment - (wire_of(acked_)));
  const bool bare = segment.payload.empty() && (segment.flags & kFin) == 0;
  const bool same_window = std::uint64_t{segment.window} << kWindowScale == peer_window_;
  peer_window_ = std::uint64_t{segment.window} << kWindowScale;
  if (state_ == State::syn_received) {
    if (ack != 1) return;
    state_ = State::open;
    on_new_ack(1);
    if (!opened()) return;
  } else if (ack <= sent_) {
    note_sacks(segment);
    on_ack(ack, bare && same_window);
    if (state_ == State::dead) return;
  }
  if ((segment.flags & kFin) != 0) peer_end_ = offset + segment.payload.size();
  if (!segment.payload.empty()) on_payload(offset, segment.payload);
  if (state_ != State::dead && !bare) {
    on_fin();
    acknowledge();
  }
  if (state_ != State::dead) settle();
}

/// The handshake is done: tells the owner, which may end the connection. False if it did.
bool TcpConnection::opened() {
  if (!connecting_) {
    layer_.accepted(*this);
  } else if (const auto handlers = handlers_; handlers && handlers->on_connected) {
    handlers->on_connected();
  }
  return state_ == State::open;
}

void TcpConnection::on_syn_sent(const TcpSegment& segment) {
  if ((segment.flags & (kSyn | kAck | kRst)) == kSyn) {  // RFC 9293 §3.5, figure 8
    state_ = State::syn_received;
    receive_base_ = segment.sequence;
    received_ = 1;
    return emit(kSyn | kAck, 0, 0);
  }
  if ((segment.flags & kAck) == 0 || segment.acknowledgment != send_base_ + 1) return;
  if ((segment.flags & kRst) != 0) return fail(ErrorCode::refused, "connection refused by ");
  if ((segment.flags & kSyn) == 0) return;
  receive_base_ = segment.sequence;
  received_ = 1;
  peer_window_ = segment.window;
  state_ = State::open;
  on_new_ack(1);
  acknowledge();
  if (opened()) push();
}

void TcpConnection::on_ack(std::uint64_t ack, bool bare) {
  if (ack > acked_) {
    on_new_ack(ack);
  } else if (bare && in_flight() > 0 && ++duplicate_acks_ == 3 && !recovering_) {
    recovering_ = true;
    recover_ = sent_;
    slow_start_limit_ = std::max<std::uint64_t>(in_flight() / 2, std::uint64_t{2} * segment_size_);
    congestion_window_ = slow_start_limit_;
    resend_first();
  }
  if (recovering_) {  // at most two for each acknowledgement, so that the queue which overflowed is not hit at once
                      // again
    for (int i = 0; i < 2 && resend_hole(); ++i) continue;
  }
  push();
  if (short_write_ && queued() < io::kStreamQueueLimit / 2) {
    short_write_ = false;
    if (const auto handlers = handlers_; handlers && handlers->on_writable) handlers->on_writable();
  }
}

void TcpConnection::on_new_ack(std::uint64_t ack) {
  sample_rtt(ack);
  const std::uint64_t newly = ack - acked_;
  acked_ = ack;
  next_ = std::max(next_, acked_);
  retries_ = 0;
  duplicate_acks_ = 0;
  cancel();
  while (!sacked_.empty() && sacked_.begin()->first <= ack) {
    const std::uint64_t end = sacked_.begin()->second;
    sacked_.erase(sacked_.begin());
    if (end > ack) sacked_.emplace(ack, end);
    if (end > ack) break;
  }
  const std::uint64_t data_end = std::min(ack, end_offset());
  if (data_end > first_) {
    out_start_ += static_cast<std::size_t>(data_end - first_);
    first_ = data_end;
  }
  if (out_start_ == out_.size()) {
    Bytes().swap(out_);  // most connections are idle for most of the time
    out_start_ = 0;
  } else if (out_start_ >= kCompactAt) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_start_));
    out_start_ = 0;
  }
  if (end_queued_ && ack == end_offset() + 1) end_acked_ = true;
  if (recovering_ && ack >= recover_) {
    recovering_ = false;
    congestion_window_ = slow_start_limit_;
  } else if (recovering_) {
    if (sacked_.empty()) resend_first();  // NewReno: a partial acknowledgement names the next hole
  } else if (congestion_window_ < slow_start_limit_) {
    congestion_window_ += std::min<std::uint64_t>(newly, segment_size_);
  } else {
    congestion_window_ += std::max<std::uint64_t>(1, std::uint64_t{segment_size_} * segment_size_ / congestion_window_);
  }
  congestion_window_ = std::min(congestion_window_, 4 * kWindow);
  arm_retransmission();
}

/// RFC 6298 §2, in integers.
void TcpConnection::sample_rtt(std::uint64_t ack) {
  if (!timed_ || ack < timed_->first) {
    if (timed_) return;
    retransmission_timeout_ =
        std::max(kMinTimeout, smoothed_rtt_ == 0ns ? kSynTimeout : smoothed_rtt_ + 4 * rtt_variation_);
    return;
  }
  const Duration rtt = layer_.loop().now() - timed_->second;
  timed_.reset();
  if (smoothed_rtt_ == 0ns) {
    smoothed_rtt_ = rtt;
    rtt_variation_ = rtt / 2;
  } else {
    const Duration error = rtt > smoothed_rtt_ ? rtt - smoothed_rtt_ : smoothed_rtt_ - rtt;
    rtt_variation_ = (3 * rtt_variation_ + error) / 4;
    smoothed_rtt_ = (7 * smoothed_rtt_ + rtt) / 8;
  }
  retransmission_timeout_ = std::max(kMinTimeout, smoothed_rtt_ + 4 * rtt_variation_);
}

void TcpConnection::on_payload(std::uint64_t offset, ByteView payload) {
  const std::uint64_t end = offset + payload.size();
  if (offset > received_ + kWindow + segment_size_ || end <= received_) return;  // from before or far beyond
  if (waiting_.size() + payload.size() > kWindow + segment_size_) return;        // beyond the window: sent again later
  if (offset > received_) {
    reordered_.try_emplace(offset, payload.begin(), payload.end());
    last_reordered_ = offset;
    return;
  }
  payload = payload.subspan(static_cast<std::size_t>(received_ - offset));
  received_ = end;
  deliver(payload);
  drain_reordered();
}

void TcpConnection::drain_reordered() {
  while (state_ != State::dead && !reordered_.empty() && reordered_.begin()->first <= received_) {
    const auto node = reordered_.extract(reordered_.begin());
    const std::uint64_t end = node.key() + node.mapped().size();
    if (end <= received_) continue;
    const auto fresh = ByteView{node.mapped()}.subspan(static_cast<std::size_t>(received_ - node.key()));
    received_ = end;
    deliver(fresh);
  }
}

void TcpConnection::deliver(ByteView payload) {
  if (!started_ && !detached_) {
    waiting_.insert(waiting_.end(), payload.begin(), payload.end());
  } else if (const auto handlers = handlers_; handlers && handlers->on_data && !closing_) {
    handlers->on_data(payload);
  }
}

void TcpConnection::on_fin() {
  if (!peer_end_ || peer_ended_ || received_ != *peer_end_) return;
  peer_ended_ = true;
  ++received_;
}

/// Does what the two ends of the connection have come to.
void TcpConnection::settle() {
  if (peer_ended_ && !end_queued_) {
    end_queued_ = true;  // there is no half-open stream: what is queued goes out, then our FIN
    push();
  }
  if (peer_ended_ || end_acked_) report_closed({ErrorCode::closed, "the stream was closed"});
  if (state_ == State::dead || !end_acked_ || armed()) return;
  arm(layer_.loop().now() + (peer_ended_ ? kTimeWait : kOrphanWait));
}

void TcpConnection::receive_icmp(bool too_big, std::uint32_t mtu) {
  const auto self = shared_from_this();
  if (too_big) {
    const auto headers = static_cast<std::uint32_t>(ip_header_size(remote_.address.family()) + kTcpHeader);
    if (mtu < headers + 536 || mtu - headers >= segment_size_) return;
    segment_size_ = mtu - headers;
    next_ = std::max<std::uint64_t>(acked_, 1);  // all that is in flight was too big
    timed_.reset();
    push();
  } else if (state_ == State::syn_sent) {
    fail(ErrorCode::unreachable, "no route to ");
  }
}

void TcpConnection::start(io::StreamHandlers handlers) {
  WEFT_ASSERT(!started_ && !handlers_);
  handlers_ = std::make_shared<io::StreamHandlers>(std::move(handlers));
  if (waiting_.empty() && !end_to_report_) {
    started_ = true;
    return;
  }
  layer_.host().post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->catch_up();
  });
}

/// Tells what happened before start().
void TcpConnection::catch_up() {
  if (started_ || detached_) return;
  started_ = true;
  const Bytes data = std::exchange(waiting_, {});
  if (!data.empty()) deliver(data);
  if (state_ == State::open) acknowledge();  // the window is open again
  if (end_to_report_) report_closed(*end_to_report_);
}

std::size_t TcpConnection::write(ByteView bytes) {
  if (state_ == State::dead || end_queued_) return 0;
  const std::size_t room = io::kStreamQueueLimit - std::min(io::kStreamQueueLimit, queued());
  const std::size_t taken = std::min(room, bytes.size());
  short_write_ |= taken < bytes.size();
  out_.insert(out_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  push();
  return taken;
}

void TcpConnection::close() {
  if (closing_) return;
  closing_ = true;
  if (state_ == State::syn_sent || state_ == State::dead) {
    if (state_ == State::syn_sent) fail_later({ErrorCode::closed, "the stream was closed"});
    return;
  }
  end_queued_ = true;
  push();
}

void TcpConnection::detach() {
  const auto self = shared_from_this();
  detached_ = true;
  handlers_.reset();
  waiting_ = {};
  if (state_ == State::dead || end_queued_) return;
  if (state_ != State::syn_sent) emit(kRst | kAck, next_, 0);
  finish();
}

void TcpConnection::kill() {
  const auto self = shared_from_this();
  state_ = State::dead;
  cancel();
}

void TcpConnection::fail_later(Error error) {
  state_ = State::dead;
  cancel();
  layer_.host().post([weak = weak_from_this(), error = std::move(error)] {
    if (const auto self = weak.lock()) self->report_closed(error);
  });
  layer_.forget(*this);
}

void TcpConnection::report_closed(Error error) {
  if (reported_) return;
  if (!started_) {
    if (!end_to_report_) end_to_report_ = std::move(error);
    return;
  }
  reported_ = true;
  if (const auto handlers = handlers_; handlers && handlers->on_closed) handlers->on_closed(error);
}

void TcpConnection::fail(ErrorCode code, const std::string& what) {
  finish();
  report_closed({code, what + remote_.to_string()});
}

void TcpConnection::finish() {
  state_ = State::dead;
  cancel();
  layer_.forget(*this);
}

}  // namespace weft::fabric

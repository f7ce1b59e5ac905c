// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/packet_poll.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/host/asio_loop.h"

namespace weft::host {
namespace {

/// Rounds before timers, streams and signals get their turn.
constexpr int kRoundsPerWake = 16;
/// The others come first in the next one.
constexpr std::size_t kSourcesPerRound = 16;
/// With more messages than these in a wake-up it is no question and answer: others need the processor.
constexpr std::size_t kFew = 4;

}  // namespace

struct PacketPoll::Source {
  FileDescriptor fd;
  PacketSource::Turn turn;
  Patience patience;  // for what follows its packets
};

PacketPoll::PacketPoll(AsioLoop& loop)
    : loop_(loop), set_(std::make_unique<Readiness>(loop, FileDescriptor(::epoll_create1(EPOLL_CLOEXEC)))) {
  WEFT_ASSERT(set_->is_open());
}

PacketPoll::~PacketPoll() = default;

void PacketPoll::add(const std::shared_ptr<Source>& source) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = source.get()}};
  WEFT_ASSERT(::epoll_ctl(set_->fd(), EPOLL_CTL_ADD, source->fd.get(), &event) == 0);
  if (sources_.empty()) wait();
  sources_.push_back(source);
}

void PacketPoll::wait() {
  set_->wait_readable([this] { serve(); });
}

void PacketPoll::serve() {
  const Time woken = loop_.clock().now();
  if (std::exchange(dry_, false)) loop_.rest(loop_.gathering().rest_after(woken, woken - slept_));
  std::size_t moved = serve_round();
  if (moved > 0 && asked_ != nullptr) asked_->patience.learn(woken - slept_);
  asked_ = nullptr;
  for (int round = 1; round < kRoundsPerWake && moved > 0; ++round) {
    const std::size_t more = look_on(moved);
    moved += more;
    if (more > 0) continue;
    dry_ = true;
    if (moved <= kFew && last_->fd.valid()) asked_ = last_;
    break;
  }
  if (dry_) loop_.rest(loop_.gathering().rest_ahead(loop_.clock().now()));
  slept_ = loop_.clock().now();
  std::erase_if(sources_, [](const auto& source) { return !source->fd.valid(); });
  if (!sources_.empty()) wait();
}

/// Rounds until one has something, or until it is time to sleep. `moved`: since the poll was woken.
std::size_t PacketPoll::look_on(std::size_t moved) {
  const Time began = loop_.clock().now();
  Duration span = moved <= kFew ? last_->patience.span() : Patience::kLeast;
  if (loop_.gathers()) span = Duration(0);
  if (span > Patience::kLeast && !budget_.allows(began, span)) span = Patience::kLeast;
  std::size_t more = 0;
  do {
    more = serve_round();
    if (more == 0) loop_.clock().turn();
  } while (more == 0 && loop_.clock().now() < began + span);
  if (span > Patience::kLeast) budget_.spend(loop_.clock().now() - began);
  return more;
}

/// A turn for each source that has something; returns how much they had. A turn may add sources and close any: they
/// stay in `sources_` until serve() ends.
std::size_t PacketPoll::serve_round() {
  std::array<epoll_event, kSourcesPerRound> ready;
  const int count = ::epoll_wait(set_->fd(), ready.data(), static_cast<int>(ready.size()), 0);
  std::size_t moved = 0;
  for (int i = 0; i < count; ++i) {
    auto& source = *static_cast<Source*>(ready[static_cast<std::size_t>(i)].data.ptr);
    if (source.fd.valid()) moved += serve_source(source);
  }
  return moved;
}

/// Behind a full batch the next is taken without asking, which halves what asking costs each packet.
std::size_t PacketPoll::serve_source(Source& source) {
  std::size_t moved = 0;
  for (int turn = 0; turn < 2; ++turn) {
    loop_.clock().turn();
    const auto [count, full] = source.turn();
    moved += count;
    if (!full || loop_.gathers() || !source.fd.valid()) break;
  }
  if (moved > 0) last_ = &source;
  return moved;
}

PacketSource::PacketSource(AsioLoop& loop, FileDescriptor fd)
    : loop_(loop), source_(std::make_shared<PacketPoll::Source>(std::move(fd), nullptr)) {}

PacketSource::~PacketSource() { close(); }

int PacketSource::fd() const { return source_->fd.get(); }

void PacketSource::start(Turn turn) {
  source_->turn = std::move(turn);
  loop_.packets().add(source_);
}

void PacketSource::close() { source_->fd = FileDescriptor(); }

}  // namespace weft::host

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
/// Rounds in which nothing came, after which the poll sleeps. One costs an epoll_wait, which does not wait.
constexpr int kEmptyRounds = 20;

}  // namespace

struct PacketPoll::Source {
  FileDescriptor fd;
  PacketSource::Turn turn;
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
  const int most_empty = loop_.gathers() ? 0 : kEmptyRounds;
  int rounds = 0, empty = 0;
  while (rounds < kRoundsPerWake && empty <= most_empty) {
    if (serve_round()) {
      ++rounds;
      empty = 0;
    } else if (rounds > 0) {
      ++empty;
    } else {
      break;  // an alarm for nothing
    }
  }
  std::erase_if(sources_, [](const auto& source) { return !source->fd.valid(); });
  if (!sources_.empty()) wait();
}

/// A turn for each source that has something; false if none has. A turn may add sources and close any: they stay in
/// `sources_` until serve() ends.
bool PacketPoll::serve_round() {
  std::array<epoll_event, kSourcesPerRound> ready;
  const int count = ::epoll_wait(set_->fd(), ready.data(), static_cast<int>(ready.size()), 0);
  bool worked = false;
  for (int i = 0; i < count; ++i) {
    auto& source = *static_cast<Source*>(ready[static_cast<std::size_t>(i)].data.ptr);
    if (!source.fd.valid()) continue;
    loop_.clock().turn();
    if (source.turn()) worked = true;
  }
  return worked;
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

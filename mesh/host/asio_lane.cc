// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_lane.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/host/asio_udp_socket.h"
#include "mesh/host/linux_tun.h"
#include "mesh/host/packet_poll.h"

namespace weft::host {
namespace {

/// An eventfd among the loop's packet sources, written at most once for each run of the handler.
class EventWaker final : public io::Waker {
 public:
  EventWaker(AsioLoop& loop, std::function<void()> handler)
      : source_(loop, FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))), handler_(std::move(handler)) {
    WEFT_ASSERT(source_.fd() >= 0);
    source_.start([this] { return serve(); });
  }

  void wake() override {
    if (woken_.exchange(true, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    // Fails only if the counter is full, which one bit cannot make it.
    [[maybe_unused]] const auto written = ::write(source_.fd(), &one, sizeof one);
  }

 private:
  PacketSource::Moved serve() {
    std::uint64_t count = 0;
    if (::read(source_.fd(), &count, sizeof count) != sizeof count) return {};
    // What comes from here on writes again; what came before is seen by the handler.
    woken_.exchange(false, std::memory_order_acq_rel);
    handler_();
    return {};  // no packet: what comes next is no answer to it
  }

  PacketSource source_;
  std::function<void()> handler_;
  std::atomic<bool> woken_{false};
};

}  // namespace

std::unique_ptr<io::Waker> AsioLane::make_waker(std::function<void()> handler) {
  return std::make_unique<EventWaker>(loop_, std::move(handler));
}

Result<std::unique_ptr<io::UdpSocket>> AsioLane::open_udp(const io::UdpOptions& options) {
  return AsioUdpSocket::open(loop_, options);
}

Result<std::unique_ptr<io::TunQueue>> AsioLane::open_tun_queue(const std::string& device) {
  return LinuxTun::open_queue(loop_, device);
}

void AsioLane::call(const std::function<void()>& task) {
  if (!foreign_) return task();
  const auto done = std::make_shared<std::promise<void>>();
  loop_.post([&task, done] {
    task();
    done->set_value();
  });
  done->get_future().wait();
}

}  // namespace weft::host

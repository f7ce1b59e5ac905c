// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_loop.h"

#include <time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <utility>

#include "mesh/host/datagram_batch.h"
#include "mesh/host/packet_poll.h"

namespace weft::host {

namespace asio = boost::asio;
using boost::system::error_code;

struct AsioLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::signal_set signals{context};
  std::function<void(int)> signal_handler;
};

AsioLoop::AsioLoop()
    : batch_(std::make_unique<DatagramBatch>()),
      impl_(std::make_unique<Impl>()),
      packets_(std::make_unique<PacketPoll>(*this)) {}
AsioLoop::~AsioLoop() = default;

asio::io_context& AsioLoop::context() { return impl_->context; }

void AsioLoop::run() {
  impl_->context.restart();
  impl_->context.run();
}

void AsioLoop::rest(Duration span) {
  if (span == Duration(0)) return;
  const timespec time{.tv_sec = 0, .tv_nsec = span.count()};
  ::nanosleep(&time, nullptr);
  clock_.turn();
}

void AsioLoop::stop() { impl_->context.stop(); }

bool AsioLoop::run_one(Duration limit) {
  impl_->context.restart();
  return impl_->context.run_one_for(limit) > 0;
}

void AsioLoop::post(std::function<void()> task) {
  asio::post(impl_->context, [this, task = std::move(task)] {
    clock_.turn();
    task();
  });
}

namespace {

void wait_for_signal(AsioLoop& loop, asio::signal_set& signals, std::function<void(int)>& handler) {
  signals.async_wait([&loop, &signals, &handler](const error_code& error, int number) {
    if (error) return;
    loop.clock().turn();
    handler(number);
    wait_for_signal(loop, signals, handler);
  });
}

}  // namespace

void AsioLoop::on_signal(std::initializer_list<int> signals, std::function<void(int)> handler) {
  for (const int number : signals) impl_->signals.add(number);
  impl_->signal_handler = std::move(handler);
  wait_for_signal(*this, impl_->signals, impl_->signal_handler);
}

struct Readiness::State {
  explicit State(asio::io_context& context) : descriptor(context) {}
  asio::posix::stream_descriptor descriptor;
};

Readiness::Readiness(AsioLoop& loop, FileDescriptor fd) : loop_(loop), state_(std::make_shared<State>(loop.context())) {
  error_code ignored;  // epoll refuses only regular files, which are never given
  state_->descriptor.assign(fd.release(), ignored);
}

Readiness::~Readiness() { close(); }

int Readiness::fd() const { return state_->descriptor.is_open() ? state_->descriptor.native_handle() : -1; }
bool Readiness::is_open() const { return state_->descriptor.is_open(); }

namespace {

template <typename State>
void wait_for(AsioLoop& loop, const std::shared_ptr<State>& state, asio::posix::stream_descriptor::wait_type what,
              std::function<void()> handler) {
  if (!state->descriptor.is_open()) return;
  state->descriptor.async_wait(what, [&loop, state, handler = std::move(handler)](const error_code& error) {
    if (error == asio::error::operation_aborted || !state->descriptor.is_open()) return;
    loop.clock().turn();
    handler();
  });
}

}  // namespace

void Readiness::wait_readable(std::function<void()> handler) {
  wait_for(loop_, state_, asio::posix::stream_descriptor::wait_read, std::move(handler));
}
void Readiness::wait_writable(std::function<void()> handler) {
  wait_for(loop_, state_, asio::posix::stream_descriptor::wait_write, std::move(handler));
}

void Readiness::close() {
  error_code ignored;
  state_->descriptor.close(ignored);
}

}  // namespace weft::host

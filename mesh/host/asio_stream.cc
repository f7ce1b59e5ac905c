// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "mesh/base/assert.h"
#include "mesh/host/asio_timer.h"
#include "mesh/host/default_route.h"
#include "mesh/host/socket_address.h"

namespace weft::host {
namespace {

/// One read. Larger reads would only touch more of the arena's pages.
constexpr std::size_t kReadSize = 16 * 1024;
/// Reads in one turn before other descriptors get theirs.
constexpr int kReadsPerTurn = 4;

Error stream_error(const Endpoint& remote, int error_number) {
  const auto text = "TCP to " + remote.to_string() + ": " + std::strerror(error_number);
  switch (error_number) {
    case ECONNREFUSED:
      return {ErrorCode::refused, text};
    case ETIMEDOUT:
      return {ErrorCode::timeout, text};
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
      return {ErrorCode::unreachable, text};
    default:
      return {ErrorCode::io, text};
  }
}

}  // namespace

/// What outlives the handle while queued bytes go out. States:
///   connecting  connect() is under way       -> open, or ended with the refusal
///   open        bytes flow both ways         -> closing by close(); ended by the other side or an error
///   closing     the queue empties, then FIN  -> draining
///   draining    reads and drops until the other side ends, kLinger at most -> ended
///   ended       on_closed has been called or is about to be; the descriptor is closed
class AsioStream::Core : public std::enable_shared_from_this<Core> {
 public:
  enum class State { connecting, open, closing, draining, ended };

  Core(AsioLoop& loop, TimerQueue& timers, FileDescriptor fd, State state)
      : loop_(loop), timers_(timers), readiness_(loop, std::move(fd)), state_(state) {}

  void start(io::StreamHandlers handlers) {
    handlers_ = std::make_shared<io::StreamHandlers>(std::move(handlers));
    local_ = bound_endpoint(readiness_.fd());
    if (!remote_known_) remote_ = peer_endpoint(readiness_.fd());
    if (connect_error_ != 0) return post_end(stream_error(remote_, connect_error_));
    state_ == State::connecting ? wait_connected() : wait_readable();
  }

  void set_remote(const Endpoint& remote, int connect_error) {
    remote_ = remote;
    remote_known_ = true;
    connect_error_ = connect_error;
  }

  std::size_t write(ByteView bytes) {
    if (state_ != State::open && state_ != State::connecting) return 0;
    std::size_t taken = 0;
    while (true) {
      const bool idle = queued() == 0;
      const auto part = bytes.subspan(taken, std::min(bytes.size() - taken, io::kStreamQueueLimit - queued()));
      out_.insert(out_.end(), part.begin(), part.end());
      taken += part.size();
      if (idle && state_ == State::open) flush();
      if (taken == bytes.size()) return taken;
      if (queued() > 0) break;
    }
    want_writable_ = true;  // the kernel is full: a wait for it is under way
    return taken;
  }

  std::size_t queued() const { return out_.size() - sent_; }

  void close() {
    if (state_ != State::open && state_ != State::connecting) return;
    const bool connected = state_ == State::open;
    state_ = State::closing;
    if (!connected) return post_end({ErrorCode::closed, "closed before it was open"});
    linger_ = timers_.make_timer([self = weak_from_this()] {
      if (const auto core = self.lock()) core->end({ErrorCode::closed, "closed"});
    });
    linger_->arm(loop_.clock().now() + kFlushTime);
    if (queued() == 0) finish_sending();
  }

  /// The handle is gone: nobody hears of this stream any more.
  void abandon() {
    handlers_.reset();
    if (state_ == State::closing || state_ == State::draining) return;
    state_ = State::ended;
    readiness_.close();
  }

  Endpoint local_endpoint() const { return readiness_.is_open() ? bound_endpoint(readiness_.fd()) : local_; }
  Endpoint remote_endpoint() const { return remote_known_ ? remote_ : peer_endpoint(readiness_.fd()); }

 private:
  void wait_connected() {
    readiness_.wait_writable([self = shared_from_this()] { self->on_connect_result(); });
  }

  void on_connect_result() {
    if (state_ != State::connecting) return;
    int error_number = 0;
    socklen_t length = sizeof error_number;
    ::getsockopt(readiness_.fd(), SOL_SOCKET, SO_ERROR, &error_number, &length);
    if (error_number != 0) return end(stream_error(remote_, error_number));
    if (peer_endpoint(readiness_.fd()) == Endpoint{})
      return wait_connected();  // woken by the hang-up of a fresh socket
    state_ = State::open;
    local_ = bound_endpoint(readiness_.fd());
    const auto handlers = handlers_;
    if (handlers && handlers->on_connected) handlers->on_connected();
    if (!readiness_.is_open()) return;
    wait_readable();
    if (queued() > 0) wait_writable();
  }

  void wait_readable() {
    readiness_.wait_readable([self = shared_from_this()] { self->read(); });
  }

  void read() {
    for (int i = 0; i < kReadsPerTurn && readiness_.is_open(); ++i) {
      const Slot slot = loop_.arena().slot(0);
      const auto count = ::recv(readiness_.fd(), slot.data(), kReadSize, 0);
      if (count == 0) return end({ErrorCode::closed, "the other side closed the stream"});
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (count < 0) return end(stream_error(remote_, errno));
      const auto handlers = handlers_;
      if (state_ == State::open && handlers && handlers->on_data) {
        handlers->on_data({slot.data(), static_cast<std::size_t>(count)});
      }
      if (static_cast<std::size_t>(count) < kReadSize) break;
    }
    if (readiness_.is_open()) wait_readable();
  }

  /// Gives the queue to the kernel. Runs inside write(), so it calls no handler; a broken stream is seen by read().
  void flush() {
    while (queued() > 0) {
      const auto count = ::send(readiness_.fd(), out_.data() + sent_, queued(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        if (errno == EAGAIN) wait_writable();
        break;
      }
      sent_ += static_cast<std::size_t>(count);
    }
    compact();
  }

  void compact() {
    if (sent_ == out_.size()) {
      out_ = {};  // an idle stream holds no memory
      sent_ = 0;
    } else if (sent_ > io::kStreamQueueLimit / 2) {
      out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
      sent_ = 0;
    }
  }

  void wait_writable() {
    if (waiting_writable_) return;
    waiting_writable_ = true;
    readiness_.wait_writable([self = shared_from_this()] { self->on_writable(); });
  }

  void on_writable() {
    waiting_writable_ = false;
    flush();
    if (state_ == State::closing && queued() == 0) return finish_sending();
    if (state_ != State::open || !want_writable_ || queued() >= io::kStreamQueueLimit / 2) return;
    want_writable_ = false;
    const auto handlers = handlers_;
    if (handlers && handlers->on_writable) handlers->on_writable();
  }

  void finish_sending() {
    state_ = State::draining;
    if (linger_) linger_->arm(loop_.clock().now() + kLinger);
    ::shutdown(readiness_.fd(), SHUT_WR);
  }

  void post_end(Error error) {
    loop_.post([self = shared_from_this(), error = std::move(error)] { self->end(error); });
  }

  void end(const Error& error) {
    if (state_ == State::ended) return;
    state_ = State::ended;
    readiness_.close();
    linger_.reset();
    const auto handlers = std::exchange(handlers_, nullptr);
    if (handlers && handlers->on_closed) handlers->on_closed(error);
  }

  AsioLoop& loop_;
  TimerQueue& timers_;
  Readiness readiness_;
  State state_;
  Endpoint local_;
  Endpoint remote_;
  bool remote_known_ = false;
  int connect_error_ = 0;
  std::shared_ptr<io::StreamHandlers> handlers_;
  Bytes out_;
  std::size_t sent_ = 0;  // bytes at the front of out_ that the kernel has
  bool want_writable_ = false;
  bool waiting_writable_ = false;
  std::unique_ptr<io::Timer> linger_;
};

std::unique_ptr<io::Stream> AsioStream::connect(AsioLoop& loop, TimerQueue& timers, const Endpoint& remote,
                                                const Endpoint& local) {
  FileDescriptor fd(
      ::socket(remote.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int error_number = fd.valid() ? 0 : errno;
  if (fd.valid()) {
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    mark_underlay(fd.get());
    int result = 0;
    if (local.port != 0) {
      set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
      set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
      const auto from = to_socket_address(local);
      result = ::bind(fd.get(), from.get(), from.length);
    }
    const auto address = to_socket_address(remote);
    if (result == 0) result = ::connect(fd.get(), address.get(), address.length);
    if (result != 0 && errno != EINPROGRESS) error_number = errno;
  }
  auto core = std::make_shared<Core>(loop, timers, std::move(fd), Core::State::connecting);
  core->set_remote(remote, error_number);
  return std::make_unique<AsioStream>(std::move(core));
}

std::unique_ptr<io::Stream> AsioStream::adopt(AsioLoop& loop, TimerQueue& timers, FileDescriptor fd) {
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  const Endpoint remote = peer_endpoint(fd.get());
  auto core = std::make_shared<Core>(loop, timers, std::move(fd), Core::State::open);
  core->set_remote(remote, 0);
  return std::make_unique<AsioStream>(std::move(core));
}

AsioStream::AsioStream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
AsioStream::~AsioStream() { core_->abandon(); }

void AsioStream::start(io::StreamHandlers handlers) { core_->start(std::move(handlers)); }
std::size_t AsioStream::write(ByteView bytes) { return core_->write(bytes); }
std::size_t AsioStream::queued() const { return core_->queued(); }
void AsioStream::close() { core_->close(); }
Endpoint AsioStream::local_endpoint() const { return core_->local_endpoint(); }
Endpoint AsioStream::remote_endpoint() const { return core_->remote_endpoint(); }

}  // namespace weft::host

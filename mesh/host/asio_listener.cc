// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "mesh/host/asio_stream.h"
#include "mesh/host/asio_timer.h"
#include "mesh/host/default_route.h"
#include "mesh/host/socket_address.h"

namespace weft::host {

/// The accepting loop that both kinds of listener share.
class AsioListener::Acceptor {
 public:
  using Handler = std::function<void(FileDescriptor)>;

  Acceptor(AsioLoop& loop, TimerQueue& timers, FileDescriptor fd, Handler handler)
      : loop_(loop),
        readiness_(loop, std::move(fd)),
        handler_(std::make_shared<Handler>(std::move(handler))),
        retry_(timers.make_timer([this] { wait(); })) {
    wait();
  }

 private:
  void wait() {
    readiness_.wait_readable([this] { accept(); });
  }

  void accept() {
    const std::weak_ptr<Handler> alive = handler_;
    for (int i = 0; i < kPerTurn; ++i) {
      FileDescriptor fd(::accept4(readiness_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid() && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        return retry_->arm(loop_.clock().now() + 100ms);  // waiting for readiness would spin
      }
      if (!fd.valid()) break;
      const auto handler = handler_;  // it may destroy the listener
      (*handler)(std::move(fd));
      if (alive.use_count() < 2) return;
    }
    wait();
  }

  static constexpr int kPerTurn = 16;
  AsioLoop& loop_;
  Readiness readiness_;
  std::shared_ptr<Handler> handler_;
  std::unique_ptr<io::Timer> retry_;
};

namespace {

Result<FileDescriptor> bind_local(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(ErrorCode::usage, "socket path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(ErrorCode::io, path, errno);
  if (::bind(fd.get(), name, sizeof address) == 0) return fd;
  if (errno != EADDRINUSE) return fail_errno(ErrorCode::io, "cannot make the socket " + path, errno);
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), name, sizeof address) == 0 || errno != ECONNREFUSED) {
    return fail(ErrorCode::port_taken, "another process listens on " + path + ": stop it, or choose another --socket");
  }
  if (::unlink(path.c_str()) != 0 || ::bind(fd.get(), name, sizeof address) != 0) {
    return fail_errno(ErrorCode::io, "cannot replace the socket " + path, errno);
  }
  return fd;
}

PeerCredentials credentials_of(int fd) {
  ucred credentials{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = static_cast<gid_t>(-1)};
  socklen_t length = sizeof credentials;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
  PeerCredentials peer{.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid, .groups = {}};
  length = 0;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length);  // ERANGE, and the length it takes
  std::vector<gid_t> groups(length / sizeof(gid_t));
  if (!groups.empty() && ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0)
    peer.groups.assign(groups.begin(), groups.end());
  return peer;
}

}  // namespace

Result<std::unique_ptr<io::StreamListener>> AsioListener::listen(AsioLoop& loop, TimerQueue& timers,
                                                                 const Endpoint& local, io::AcceptHandler on_accept,
                                                                 bool shared) {
  const bool v4 = local.address.is_v4();
  const std::string what = "TCP " + local.to_string();
  FileDescriptor fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(ErrorCode::io, what, errno);
  if (!v4) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  mark_underlay(fd.get());                            // of the connections too
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // only past connections in TIME_WAIT may share the port
  const auto address = to_socket_address(local);
  if (::bind(fd.get(), address.get(), address.length) != 0) {
    if (errno == EADDRINUSE)
      return fail(ErrorCode::port_taken, what + " is taken by another process: choose another port");
    return fail_errno(ErrorCode::io, what, errno);
  }
  // Set before the port was known to be free, it might have let us into another process's shared port.
  if (shared) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(fd.get(), 1024) != 0) return fail_errno(ErrorCode::io, what, errno);
  const Endpoint bound = bound_endpoint(fd.get());
  auto acceptor = std::make_unique<Acceptor>(
      loop, timers, std::move(fd), [&loop, &timers, on_accept = std::move(on_accept)](FileDescriptor accepted) {
        on_accept(AsioStream::adopt(loop, timers, std::move(accepted)));
      });
  return std::make_unique<AsioListener>(std::move(acceptor), bound);
}

AsioListener::AsioListener(std::unique_ptr<Acceptor> acceptor, const Endpoint& local)
    : acceptor_(std::move(acceptor)), local_(local) {}
AsioListener::~AsioListener() = default;

Result<std::unique_ptr<io::StreamPort>> AsioStreamPort::open(AsioLoop& loop, TimerQueue& timers, const Endpoint& local,
                                                             io::AcceptHandler on_accept) {
  auto listener = AsioListener::listen(loop, timers, local, std::move(on_accept), true);
  if (!listener) return std::unexpected(listener.error());
  return std::make_unique<AsioStreamPort>(loop, timers, std::move(*listener));
}

std::unique_ptr<io::Stream> AsioStreamPort::connect(const Endpoint& remote) {
  return AsioStream::connect(loop_, timers_, remote, listener_->local_endpoint());
}

Result<std::unique_ptr<LocalListener>> LocalListener::listen(AsioLoop& loop, TimerQueue& timers,
                                                             const std::string& path, Handler on_accept) {
  std::error_code ignored;  // bind tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  auto fd = bind_local(path);
  if (!fd) return std::unexpected(fd.error());
  ::chmod(path.c_str(), 0666);
  if (::listen(fd->get(), 64) != 0) return fail_errno(ErrorCode::io, path, errno);
  auto acceptor = std::make_unique<AsioListener::Acceptor>(
      loop, timers, std::move(*fd), [&loop, &timers, on_accept = std::move(on_accept)](FileDescriptor accepted) {
        const PeerCredentials credentials = credentials_of(accepted.get());
        on_accept(AsioStream::adopt(loop, timers, std::move(accepted)), credentials);
      });
  return std::make_unique<LocalListener>(std::move(acceptor), path);
}

LocalListener::LocalListener(std::unique_ptr<AsioListener::Acceptor> acceptor, std::string path)
    : acceptor_(std::move(acceptor)), path_(std::move(path)) {}
LocalListener::~LocalListener() { ::unlink(path_.c_str()); }

}  // namespace weft::host

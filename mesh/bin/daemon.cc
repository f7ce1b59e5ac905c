// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/daemon.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "mesh/bin/local_client.h"
#include "mesh/host/startup_pages.h"
#include "mesh/io/clock.h"

namespace weft::bin {
namespace {

/// How long farewells (TLS alerts, the relay's and coordinator's end of session) may take to leave.
constexpr Duration kFarewell = 100ms;

/// By then sessions and first paths stand, and what the start touched is not touched again.
constexpr Duration kSettling = 5s;

/// sd_notify(3) without libsystemd: one datagram to the socket that systemd names.
void notify_systemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  const host::FileDescriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
}

/// The default limit of 1,024 descriptors is fewer than a relay's clients.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(const Settings& settings, unsigned lanes) {
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<Daemon> daemon(new Daemon(settings));
  auto host = host::AsioHost::create(daemon->loop_,
                                     {.state_directory = settings.state,
                                      .log_level = settings.log_level,
                                      .log_format = settings.log_json ? host::LogFormat::json : host::LogFormat::text,
                                      .lanes = lanes});
  if (!host) return std::unexpected(host.error());
  daemon->host_ = std::move(*host);
  return daemon;
}

Result<std::unique_ptr<MetricsServer>> Daemon::serve_metrics(std::function<std::string()> text) {
  if (!settings_.metrics) return nullptr;
  return MetricsServer::listen(*host_, *settings_.metrics, std::move(text));
}

void Daemon::ready() {
  notify_systemd("READY=1");
  settled_ = host_->make_timer(host::release_startup_pages);
  settled_->arm(loop_.clock().now() + kSettling);
}

void Daemon::fail(const Error& error) {
  if (!error_) error_ = error;
  stopping_ = true;
  loop_.stop();
}

int Daemon::run(const std::function<void()>& stop) {
  loop_.on_signal({SIGTERM, SIGINT}, [this](int) {
    stopping_ = true;
    loop_.stop();
  });
  if (!stopping_) loop_.run();
  notify_systemd("STOPPING=1");
  stop();
  const Time end = loop_.clock().now() + kFarewell;
  while (loop_.clock().now() < end && loop_.run_one(end - loop_.clock().now())) {
  }
  return error_ ? report(*error_) : 0;
}

}  // namespace weft::bin

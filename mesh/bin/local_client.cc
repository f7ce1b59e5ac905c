// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/local_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_protocol.h"
#include "mesh/host/file_descriptor.h"

namespace weft::bin {
namespace {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

std::unexpected<Error> not_running(Service service, const std::string& socket) {
  const std::string who = service == Service::coordinator ? "coordinator" : "agent";
  const std::string start = service == Service::coordinator ? "weft coordinator --listen ADDR:PORT" : "weft agent";
  return fail(ErrorCode::not_running, "no " + who + " answers on " + socket + ": start one with `" + start +
                                          "` or `systemctl start weft-" + who + "`");
}

Result<host::FileDescriptor> connect_to(Service service, const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return fail(ErrorCode::usage, "socket path is too long: " + socket);
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  host::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == EACCES) return host::fail_errno(ErrorCode::refused, "cannot open " + socket, errno);
  return not_running(service, socket);
}

bool send_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = ::send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

/// Reads lines until one is the last of the answer.
class AnswerReader {
 public:
  AnswerReader(int fd, Duration limit) : fd_(fd), end_(SteadyClock::now() + limit) {}

  Result<std::string> line() {
    while (true) {
      if (const auto found = buffer_.find('\n'); found != std::string::npos) {
        std::string line = buffer_.substr(0, found);
        buffer_.erase(0, found + 1);
        return line;
      }
      if (auto done = read(); !done) return std::unexpected(done.error());
    }
  }

 private:
  Result<void> read() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - SteadyClock::now()).count();
    if (left <= 0) return fail(ErrorCode::timeout, "the daemon did not answer in time");
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) <= 0) return {};
    std::array<char, 8192> chunk;
    const auto count = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (count < 0 && errno == EINTR) return {};
    if (count <= 0) return fail(ErrorCode::not_running, "the daemon ended before it answered");
    buffer_.append(chunk.data(), static_cast<std::size_t>(count));
    return {};
  }

  int fd_;
  SteadyClock::time_point end_;
  std::string buffer_;
};

}  // namespace

Result<json> call_daemon(Service service, const Settings& settings, const std::string& method, const json& params,
                         Duration limit, const std::function<void(const json&)>& on_event) {
  const auto fd = connect_to(service, settings.socket);
  if (!fd) return std::unexpected(fd.error());
  if (!send_all(fd->get(), json{{"method", method}, {"params", params}}.dump() + "\n")) {
    return not_running(service, settings.socket);
  }
  AnswerReader reader(fd->get(), limit);
  while (true) {
    const auto line = reader.line();
    if (!line) return std::unexpected(line.error());
    const auto answer = json::parse(*line, nullptr, false);
    if (answer.is_object() && answer.contains("event")) {
      if (on_event) on_event(answer["event"]);
    } else if (answer.is_object() && answer.contains("result")) {
      return answer["result"];
    } else if (answer.is_object() && answer.contains("error")) {
      const auto& error = answer["error"];
      return fail(error_code_of(error.value("code", "internal")), error.value("message", "the daemon refused"));
    } else {
      return fail(ErrorCode::internal, "the daemon answered something that is not of its protocol");
    }
  }
}

int report(const Error& error) {
  std::fprintf(stderr, "weft: %s\n", error.message.c_str());
  return exit_code(error.code);
}

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace weft::bin

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/workers.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "mesh/base/assert.h"

namespace weft::sim {
namespace {

using OnResult = std::function<void(const std::string&)>;

volatile std::sig_atomic_t caught_signal = 0;

/// While it lives, SIGINT and SIGTERM come only while the parent waits with mask(), and wake it, so that it passes them
/// on.
class PassedOn {
 public:
  PassedOn() {
    sigset_t both;
    ::sigemptyset(&both);
    ::sigaddset(&both, SIGINT);
    ::sigaddset(&both, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &both, &mask_);
    struct sigaction action{};
    action.sa_handler = [](int number) { caught_signal = number; };
    ::sigaction(SIGINT, &action, &interrupt_);
    ::sigaction(SIGTERM, &action, &terminate_);
  }
  ~PassedOn() { restore(); }
  PassedOn(const PassedOn&) = delete;
  PassedOn& operator=(const PassedOn&) = delete;
  /// As before; also for a worker, to which nothing is passed on by itself.
  void restore() const {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  const sigset_t& mask() const { return mask_; }

 private:
  struct sigaction interrupt_{}, terminate_{};
  sigset_t mask_{};
};

struct Worker {
  pid_t pid = 0;
  int pipe = -1;
  std::string received;  // since the last line break
  std::size_t next = 0;  // the index whose result comes next
};

void write_all(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(descriptor, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);  // the parent is gone
    written += static_cast<std::size_t>(n);
  }
}

std::optional<Worker> start_worker(const PassedOn& signals, std::size_t first, std::size_t step, std::size_t count,
                                   const std::function<std::string(std::size_t)>& job) {
  int ends[2];
  if (::pipe(ends) != 0) return std::nullopt;
  std::fflush(nullptr);  // or the child would print the parent's buffers again
  const pid_t pid = ::fork();
  if (pid < 0) return std::nullopt;
  if (pid > 0) {
    ::close(ends[1]);
    return Worker{.pid = pid, .pipe = ends[0], .next = first};
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  signals.restore();
  ::close(ends[0]);
  for (std::size_t index = first; index < count; index += step) write_all(ends[1], job(index) + "\n");
  std::fflush(nullptr);
  _exit(0);
}

/// Takes what the worker has written; false at its end.
bool receive(Worker& worker, std::size_t step, std::vector<std::string>& results, const OnResult& on_result) {
  char buffer[16384];
  const ssize_t n = ::read(worker.pipe, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  worker.received.append(buffer, static_cast<std::size_t>(n));
  while (true) {
    const auto end = worker.received.find('\n');
    if (end == std::string::npos) return true;
    results[worker.next] = worker.received.substr(0, end);
    if (on_result) on_result(results[worker.next]);
    worker.received.erase(0, end + 1);
    worker.next += step;
  }
}

/// Returns the last signal that was passed on; 0: none.
int receive_until_all_end(const PassedOn& signals, std::vector<Worker>& workers, std::vector<std::string>& results,
                          const OnResult& on_result) {
  int passed_on = 0;
  std::size_t open = workers.size();
  while (open > 0) {
    std::vector<pollfd> waiting;
    for (const Worker& worker : workers) waiting.push_back({.fd = worker.pipe, .events = POLLIN, .revents = 0});
    if (::ppoll(waiting.data(), waiting.size(), nullptr, &signals.mask()) < 0) {
      if (const int number = std::exchange(caught_signal, 0); number != 0) {
        passed_on = number;
        for (const Worker& worker : workers) ::kill(worker.pid, number);
      }
      continue;
    }
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (waiting[i].revents == 0 || receive(workers[i], workers.size(), results, on_result)) continue;
      ::close(workers[i].pipe);
      workers[i].pipe = -1;
      --open;
    }
  }
  return passed_on;
}

}  // namespace

Result<std::vector<std::string>> run_in_workers(std::size_t count, unsigned workers,
                                                const std::function<std::string(std::size_t)>& job,
                                                const OnResult& on_result) {
  WEFT_ASSERT(workers >= 1);
  const std::size_t step = std::min<std::size_t>(workers, std::max<std::size_t>(count, 1));
  std::vector<std::string> results(count);
  std::vector<Worker> running;
  std::optional<PassedOn> signals(std::in_place);
  for (std::size_t first = 0; first < step; ++first) {
    auto worker = start_worker(*signals, first, step, count, job);
    if (!worker) return fail(ErrorCode::internal, "a worker process could not be started; use fewer --jobs");
    running.push_back(std::move(*worker));
  }
  const int passed_on = receive_until_all_end(*signals, running, results, on_result);
  signals.reset();
  std::optional<Error> problem;
  for (const Worker& worker : running) {
    int status = 0;
    ::waitpid(worker.pid, &status, 0);
    if (status != 0 || worker.next < count) {
      problem = Error{ErrorCode::internal, "a worker process died in cell " + std::to_string(worker.next) +
                                               "; run with --jobs 1 to see where"};
    }
  }
  if (!problem) return results;
  if (passed_on == 0) return std::unexpected(*problem);
  ::raise(passed_on);  // now for us, whose workers are gone
  return fail(ErrorCode::closed, "ended by a signal before all was done");
}

}  // namespace weft::sim

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/host_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace weft::kernel {
namespace {

constexpr int kCannotStart = 127;

/// Anonymous memory with `text` in it, to be read from the beginning.
host::FileDescriptor memory_file(std::string_view text) {
  host::FileDescriptor file(::memfd_create("weft-lab", MFD_CLOEXEC));
  if (!text.empty() && ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string contents(int fd) {
  std::string text;
  std::array<char, 4096> chunk;
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t count; (count = ::read(fd, chunk.data(), chunk.size())) > 0;)
    text.append(chunk.data(), static_cast<std::size_t>(count));
  return text;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Outputs {
  int input = -1, output = -1, errors = -1;
};

/// In a mount namespace of its own: nobody else's /etc/hosts changes.
bool mount_hosts(const std::string& file) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
         ::mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
}

/// The child's side of fork(): never returns.
[[noreturn]] void become(const NetNamespace& space, const Command& command, const Outputs& files, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotStart);  // the harness died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  // A process group of its own: Ctrl-C at the terminal reaches the harness, which decides what becomes of the rest.
  ::setpgid(0, 0);
  if (::setns(space.fd(), CLONE_NEWNET) != 0) ::_exit(kCannotStart);
  if (!command.hosts.empty() && !mount_hosts(command.hosts)) ::_exit(kCannotStart);
  if (!command.working_directory.empty() && ::chdir(command.working_directory.c_str()) != 0) ::_exit(kCannotStart);
  ::dup2(files.input, STDIN_FILENO);
  ::dup2(files.output, STDOUT_FILENO);
  ::dup2(files.errors, STDERR_FILENO);
  for (const std::string& each : command.environment) ::putenv(const_cast<char*>(each.c_str()));
  ::execvp(command.arguments.front().c_str(), pointers(command.arguments).data());
  ::_exit(kCannotStart);
}

Result<pid_t> spawn(const NetNamespace& space, const Command& command, const Outputs& files) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(space, command, files, parent);
  if (pid < 0) return host::fail_errno(ErrorCode::io, "cannot start " + command.name, errno);
  return pid;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) == kCannotStart) return "could not be started";
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<HostProcess> HostProcess::start(const NetNamespace& space, const Command& command) {
  const host::FileDescriptor input = memory_file(command.input);
  const std::string log = command.log.empty() ? "/dev/null" : command.log;
  const host::FileDescriptor output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!input.valid() || !output.valid()) return host::fail_errno(ErrorCode::io, "cannot write " + log, errno);
  const auto pid = spawn(space, command, {input.get(), output.get(), output.get()});
  if (!pid) return std::unexpected(pid.error());
  return HostProcess(*pid, command.name, command.log);
}

HostProcess::HostProcess(HostProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), name_(std::move(other.name_)), log_(std::move(other.log_)) {}

HostProcess& HostProcess::operator=(HostProcess&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, 0);
    name_ = std::move(other.name_);
    log_ = std::move(other.log_);
  }
  return *this;
}

HostProcess::~HostProcess() { kill(); }

void HostProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void HostProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::kill(-pid_, SIGKILL);  // and what it started, unless that went a way of its own
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

std::optional<std::string> HostProcess::ended() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = 0;
  return how_it_ended(status);
}

Result<std::string> run_in(const NetNamespace& space, const std::vector<std::string>& arguments,
                           std::string_view input) {
  const host::FileDescriptor in = memory_file(input), out = memory_file({}), errors = memory_file({});
  const Command command{.name = arguments.front(),
                        .arguments = arguments,
                        .environment = {},
                        .input = {},
                        .log = {},
                        .working_directory = {}};
  const auto pid = spawn(space, command, {in.get(), out.get(), errors.get()});
  if (!pid) return std::unexpected(pid.error());
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return contents(out.get());
  std::string sentence;
  for (const std::string& each : arguments) sentence += (sentence.empty() ? "" : " ") + each;
  sentence += " " + how_it_ended(status);
  std::string said = contents(errors.get());
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return fail(ErrorCode::io, said.empty() ? sentence : sentence + ": " + said);
}

}  // namespace weft::kernel

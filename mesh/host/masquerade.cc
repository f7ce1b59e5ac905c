// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/masquerade.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>

namespace weft::host {
namespace {

constexpr int kAnswerMs = 2000;

/// A service manager may hide the setting from us; then the administrator is believed.
bool forwards_no_v4() {
  std::ifstream file("/proc/sys/net/ipv4/ip_forward");
  int value = 0;
  return file >> value && value == 0;
}

/// nft takes names of tables without quotes only.
bool is_plain(const std::string& name) {
  return std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

std::unexpected<Error> refused(const std::string& why) {
  return fail(ErrorCode::refused, "this machine cannot masquerade for the overlay: " + why);
}

/// Reads until `until` or an error of nft's stands in what was read, or kAnswerMs pass without more.
std::string read_answer(int fd, const std::string& until) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.find(until) == std::string::npos && text.find("Error") == std::string::npos) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kAnswerMs) <= 0) break;
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<Masquerade>> Masquerade::start(const std::string& tun_name) {
  if (!is_plain(tun_name)) return refused("nft takes no such name as " + tun_name + ": choose letters and digits");
  if (forwards_no_v4()) return refused("it forwards no packets: sysctl -w net.ipv4.ip_forward=1");
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return fail_errno(ErrorCode::io, "cannot make a pipe", errno);
  std::unique_ptr<Masquerade> made(new Masquerade);
  const FileDescriptor child_in(in[0]);
  made->input_ = FileDescriptor(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno(ErrorCode::io, "cannot make a pipe", errno);
  made->output_ = FileDescriptor(out[0]);
  const FileDescriptor child_out(out[1]);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDERR_FILENO);
  std::string program = "nft", flag = "-i";
  char* const arguments[] = {program.data(), flag.data(), nullptr};
  const int error_number = ::posix_spawnp(&made->child_, program.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error_number != 0) {
    made->child_ = 0;
    return refused("the program nft cannot be started: install nftables");
  }
  if (auto done = made->make_table(tun_name); !done) return std::unexpected(done.error());
  return made;
}

Result<void> Masquerade::make_table(const std::string& tun_name) {
  const std::string table = "inet weft-" + tun_name, device = "\"" + tun_name + "\"";
  const std::string commands = "add table " + table + " { flags owner; }\n" +  //
                               "add chain " + table + " postrouting { type nat hook postrouting priority srcnat; }\n" +
                               "add rule " + table + " postrouting iifname " + device + " oifname != " + device +
                               " masquerade\n" + "list table " + table + "\n";
  if (::write(input_.get(), commands.data(), commands.size()) != static_cast<ssize_t>(commands.size()))
    return refused("nft does not take commands");
  const std::string answer = read_answer(output_.get(), "masquerade\n");
  if (answer.find("masquerade\n") != std::string::npos && answer.find("Error") == std::string::npos) return {};
  return refused("nft says \"" + answer.substr(0, answer.find('\n')) + "\"");
}

Masquerade::~Masquerade() {
  input_.reset();
  if (child_ > 0) ::waitpid(child_, nullptr, 0);
}

}  // namespace weft::host

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/kernel/netns.h"

namespace weft::kernel {

struct Command {
  std::string name;                      // for sentences
  std::vector<std::string> arguments;    // the program first, looked up in PATH
  std::vector<std::string> environment;  // NAME=VALUE, beside this process's
  std::string input;
  std::string log;  // file for both outputs; empty: /dev/null
  std::string working_directory;
  std::string hosts = {};  // file that it finds as /etc/hosts; empty: the machine's
};

/// A program in a network namespace. It is killed with this object, and by the kernel when this process ends in
/// whatever way. For processes of one thread.
class HostProcess {
 public:
  /// Errors: io.
  static Result<HostProcess> start(const NetNamespace& space, const Command& command);
  HostProcess(HostProcess&& other) noexcept;
  HostProcess& operator=(HostProcess&& other) noexcept;
  ~HostProcess();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Kills it and the rest of its process group, and waits for its end.
  void kill();
  /// How it ended, if it has: "ended with code 1", "was ended by signal 11".
  std::optional<std::string> ended();
  const std::string& name() const { return name_; }
  const std::string& log() const { return log_; }

 private:
  HostProcess(pid_t pid, std::string name, std::string log) : pid_(pid), name_(std::move(name)), log_(std::move(log)) {}
  pid_t pid_ = 0;  // 0: none
  std::string name_, log_;
};

/// Runs a program to its end and returns its output. Error: io, with what it wrote to standard error.
Result<std::string> run_in(const NetNamespace& space, const std::vector<std::string>& arguments,
                           std::string_view input = {});

}  // namespace weft::kernel

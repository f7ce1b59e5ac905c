// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace weft::test {

/// The calling thread is in another network namespace while this exists.
class Inside {
 public:
  explicit Inside(int ns) : before_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) { setns(ns, CLONE_NEWNET); }
  ~Inside() {
    if (setns(before_, CLONE_NEWNET) != 0) std::abort();
    ::close(before_);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  int before_;
};

/// Whether a command of the shell succeeded; what it says about its errors is thrown away.
inline bool run_quietly(const std::string& command) { return std::system((command + " 2>/dev/null").c_str()) == 0; }

/// Keeps the calling thread on the processor where it is.
inline void stay_on_this_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof one, &one);
}

}  // namespace weft::test

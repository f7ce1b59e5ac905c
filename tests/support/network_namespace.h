// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

namespace weft::test {

/// While it exists, the calling thread lives in a fresh network namespace whose loopback is up. Needs root.
class NetworkNamespace {
 public:
  NetworkNamespace() : before_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    entered_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
    if (entered_) entered_ = std::system("ip link set lo up") == 0;
  }
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;
  ~NetworkNamespace() {
    if (before_ < 0) return;
    if (::setns(before_, CLONE_NEWNET) != 0) std::abort();
    ::close(before_);
  }

  /// False without the permission to make one: a test then skips, and says so.
  bool entered() const { return entered_; }

 private:
  int before_;
  bool entered_ = false;
};

}  // namespace weft::test

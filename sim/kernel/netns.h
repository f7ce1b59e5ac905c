// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <string>

#include "mesh/base/error.h"
#include "mesh/host/file_descriptor.h"

namespace weft::kernel {

/// A network namespace that has no name: it lives as long as this object, another copy of its descriptor, or a process
/// in it. So a laboratory whose harness is killed leaves none behind.
class NetNamespace {
 public:
  /// With its loopback interface up. Errors: no_tun_permission without the privilege; io.
  static Result<NetNamespace> create();

  int fd() const { return fd_.get(); }
  /// A path that iproute2, nsenter(1) and setns(2) take, as long as this process lives.
  std::string path() const;

 private:
  explicit NetNamespace(host::FileDescriptor fd) : fd_(std::move(fd)) {}
  host::FileDescriptor fd_;
};

/// The calling thread is in a namespace while this lives, and then where it was. Sockets stay in the namespace in which
/// they were opened; /proc/sys/net and /proc/thread-self/net show the one of the thread.
class Inside {
 public:
  explicit Inside(const NetNamespace& space);
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  host::FileDescriptor home_;
};

}  // namespace weft::kernel

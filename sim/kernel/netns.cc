// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mesh/base/assert.h"

namespace weft::kernel {
namespace {

host::FileDescriptor current() {
  return host::FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

bool raise_loopback() {
  const host::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

Result<NetNamespace> NetNamespace::create() {
  const host::FileDescriptor home = current();
  if (::unshare(CLONE_NEWNET) != 0) {
    if (errno == EPERM) {
      return fail(
          ErrorCode::no_tun_permission,
          "the kernel world makes network namespaces, NATs and TUN devices, and needs root for them, or a kernel "
          "that gives users namespaces of their own (user.max_user_namespaces): run weft-lab with sudo, or use "
          "--world sim");
    }
    return host::fail_errno(ErrorCode::io, "cannot make a network namespace", errno);
  }
  host::FileDescriptor made = current();
  const bool up = raise_loopback();
  WEFT_ASSERT(::setns(home.get(), CLONE_NEWNET) == 0);
  if (!made.valid() || !up) return host::fail_errno(ErrorCode::io, "cannot use a new network namespace", errno);
  return NetNamespace(std::move(made));
}

std::string NetNamespace::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
}

Inside::Inside(const NetNamespace& space) : home_(current()) {
  WEFT_ASSERT(home_.valid() && ::setns(space.fd(), CLONE_NEWNET) == 0);
}

Inside::~Inside() { WEFT_ASSERT(::setns(home_.get(), CLONE_NEWNET) == 0); }

}  // namespace weft::kernel

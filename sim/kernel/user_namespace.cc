// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/user_namespace.h"

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace weft::kernel {
namespace {

void write(const char* file, const std::string& text) { std::ofstream(file) << text << std::flush; }

}  // namespace

void enter_user_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (user == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return;
  write("/proc/self/setgroups", "deny");  // or the kernel takes no gid_map (user_namespaces(7))
  write("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

uid_t real_user() {
  std::ifstream map("/proc/self/uid_map");
  uid_t inside = 0, outside = 0;
  return ::geteuid() == 0 && map >> inside >> outside && inside == 0 ? outside : ::geteuid();
}

}  // namespace weft::kernel

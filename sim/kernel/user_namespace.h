// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sys/types.h>

namespace weft::kernel {

/// Makes an ordinary user root of a user namespace of its own, with a network namespace to come home to, where the
/// kernel allows that (/proc/sys/user/max_user_namespaces, and /dev/net/tun must be open to all, as udev leaves it).
/// Does nothing for root, and nothing where it is not allowed: what needs the privilege then says so. The process must
/// have one thread.
void enter_user_namespace();

/// The user as the machine knows it, in a user namespace of ours too.
uid_t real_user();

}  // namespace weft::kernel

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/file_descriptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace weft::host {

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

std::unexpected<Error> fail_errno(ErrorCode code, const std::string& what, int error_number) {
  return fail(code, what + ": " + std::strerror(error_number));
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

}  // namespace weft::host

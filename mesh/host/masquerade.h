// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "mesh/base/error.h"
#include "mesh/host/file_descriptor.h"

namespace weft::host {

/// Sends what comes out of a TUN device and leaves this machine elsewhere by the machine's own address: a table of
/// nftables, `weft-` and the device's name, owned by a child (`nft -i`, table flag `owner`). The child ends when its
/// input does, and the table with it: nothing stays of a killed process.
class Masquerade {
 public:
  /// Errors: refused if the machine forwards no IPv4 packets, nft is missing, or the kernel refuses the table. Takes
  /// some milliseconds, at most two seconds.
  static Result<std::unique_ptr<Masquerade>> start(const std::string& tun_name);
  ~Masquerade();
  Masquerade(const Masquerade&) = delete;
  Masquerade& operator=(const Masquerade&) = delete;

 private:
  Masquerade() = default;
  Result<void> make_table(const std::string& tun_name);

  FileDescriptor input_, output_;
  pid_t child_ = 0;
};

}  // namespace weft::host

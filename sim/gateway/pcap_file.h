// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/time.h"

namespace weft::gateway {

/// A capture file of Ethernet frames with nanosecond times, as tcpdump and Wireshark read it.
class PcapFile {
 public:
  /// Errors: io with path and reason.
  static Result<PcapFile> create(const std::string& path);
  void write(WallTime at, ByteView ethernet_frame);
  void flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace weft::gateway

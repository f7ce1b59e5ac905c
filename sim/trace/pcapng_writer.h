// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "mesh/base/error.h"
#include "sim/trace/recorder.h"

namespace weft::tracing {

/// A pcapng file (draft-ietf-opsawg-pcapng) for each interface of each node: NODE.INTERFACE.pcapng, whole IP packets
/// with nanoseconds and direction, the number of the event as a comment. A host's `weft0` has what its programs see:
/// the inner packets, decrypted.
class PcapngWriter final : public Writer {
 public:
  /// `epoch`: the wall clock at virtual time zero. Error: io, with path and remedy.
  static Result<std::unique_ptr<PcapngWriter>> open(const std::string& folder, WallTime epoch);
  ~PcapngWriter() override;
  void write(EventId id, const Event& event, const std::string& node) override;

 private:
  struct File {
    std::string path;
    Bytes waiting;  // not written yet: there may be more interfaces than a process may have files open
  };
  PcapngWriter(std::string folder, WallTime epoch) : folder_(std::move(folder)), epoch_(epoch) {}
  File& file_of(const std::string& node, Interface interface);
  static void flush(File& file);

  std::string folder_;
  WallTime epoch_;
  std::map<std::pair<std::string, Interface>, File> files_;
};

}  // namespace weft::tracing

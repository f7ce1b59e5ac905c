// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <string>

#include "mesh/base/error.h"

namespace CLI {
class App;
}
namespace weft::tracing {
class Recorder;
}

namespace weft::lab {

/// What the command line asks to be recorded of a run (docs/trace.md).
struct TraceFlags {
  std::string file;  // NDJSON
  std::string pcap;  // folder of pcapng files

  void add_to(CLI::App& command);
  bool wanted() const { return !file.empty() || !pcap.empty(); }
  /// nullptr if nothing is asked for. Error: io, if something cannot be written.
  Result<std::unique_ptr<tracing::Recorder>> make_recorder() const;
};

}  // namespace weft::lab

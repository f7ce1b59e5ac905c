// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/time.h"
#include "sim/trace/recorder.h"

namespace weft::python {

/// An agent sends to a peer by another path than before.
struct PathChange {
  Time at;
  std::string node, peer;
  std::string path;      // the class: direct, relay ...
  std::string endpoint;  // of the peer; empty unless direct
  std::string reason;    // why not direct
};

/// Keeps what the agents of a run say of their paths, and drops all else.
class PathLog final : public tracing::Writer {
 public:
  void write(tracing::EventId id, const tracing::Event& event, const std::string& node) override;
  const std::vector<PathChange>& changes() const { return changes_; }

 private:
  std::vector<PathChange> changes_;
  std::map<std::pair<std::string, std::string>, std::string> last_;  // path and endpoint by node and peer
};

}  // namespace weft::python

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/host/file_descriptor.h"

namespace weft::kernel {

/// The files of one laboratory: state of its daemons, sockets, logs, and `lab.json`, by which `weft-lab shell` finds
/// its namespaces. They go with this object. A folder whose owner was killed is known by its lock, which the kernel
/// lets go, and removed by the next laboratory; nothing else outlives a process.
class LabFolder {
 public:
  /// Below /run/weft-lab, or without the permission below the folder for temporary files. Error: io.
  static Result<LabFolder> create();
  LabFolder(LabFolder&& other) noexcept;
  LabFolder& operator=(LabFolder&&) = delete;
  ~LabFolder();

  const std::string& path() const { return path_; }
  /// The name of the laboratory: of its folder.
  std::string name() const;
  /// Publishes where the namespaces of a scenario are and which socket a node's agent has.
  Result<void> publish(const std::string& scenario, const std::map<std::string, std::string>& namespaces) const;

 private:
  LabFolder(std::string path, host::FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;  // empty: moved from
  host::FileDescriptor lock_;
};

/// A laboratory that runs now.
struct RunningLab {
  std::string name;
  std::string path;
  std::string scenario;
  std::map<std::string, std::string> namespaces;  // by node: paths for setns(2)
};
std::vector<RunningLab> running_labs();

/// Removes the folders of laboratories whose owner is gone; how many.
int remove_stale_labs();

}  // namespace weft::kernel

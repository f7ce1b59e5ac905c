// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/lab_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/json/document.h"
#include "sim/kernel/user_namespace.h"

namespace weft::kernel {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kLock = "/lock";
constexpr const char* kIndex = "/lab.json";

std::string root() {
  const uid_t user = real_user();
  return user == 0 ? "/run/weft-lab" : fs::temp_directory_path().string() + "/weft-lab-" + std::to_string(user);
}

bool take(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

/// Whether the file behind `fd` is still the one at `path`: a sweep may have removed it.
bool is_at(int fd, const std::string& path) {
  struct stat opened{}, named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
}

/// Of a folder that was made and not locked yet: whether the process in its name is there.
bool owner_lives(const std::string& name) {
  const int pid = std::atoi(name.c_str());
  return pid <= 0 || ::kill(pid, 0) == 0 || errno != ESRCH;
}

}  // namespace

Result<LabFolder> LabFolder::create() {
  remove_stale_labs();
  std::error_code error;
  fs::create_directories(root(), error);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string path = root() + "/" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      break;
    }
    host::FileDescriptor lock(::open((path + kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.valid() && take(lock.get()) && is_at(lock.get(), path + kLock)) return LabFolder(path, std::move(lock));
  }
  return host::fail_errno(ErrorCode::io, "cannot make a folder for the laboratory in " + root(), errno);
}

LabFolder::LabFolder(LabFolder&& other) noexcept : path_(std::move(other.path_)), lock_(std::move(other.lock_)) {
  other.path_.clear();
}

LabFolder::~LabFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string LabFolder::name() const { return fs::path(path_).filename(); }

Result<void> LabFolder::publish(const std::string& scenario,
                                const std::map<std::string, std::string>& namespaces) const {
  std::ofstream file(path_ + kIndex);
  file << json{{"scenario", scenario}, {"namespaces", namespaces}}.dump(1) << '\n';
  file.close();
  if (!file) return fail(ErrorCode::io, path_ + kIndex + ": cannot be written");
  return {};
}

std::vector<RunningLab> running_labs() {
  std::vector<RunningLab> labs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root(), error)) {
    const auto text = sim::read_file(entry.path().string() + kIndex);
    if (!text) continue;
    const json index = json::parse(*text, nullptr, false);
    if (!index.is_object()) continue;
    labs.push_back({.name = entry.path().filename(),
                    .path = entry.path(),
                    .scenario = index.value("scenario", ""),
                    .namespaces = index.value("namespaces", std::map<std::string, std::string>{})});
  }
  return labs;
}

int remove_stale_labs() {
  int removed = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root(), error)) {
    const std::string path = entry.path();
    const host::FileDescriptor lock(::open((path + kLock).c_str(), O_RDWR | O_CLOEXEC));
    if (lock.valid() ? !take(lock.get()) : owner_lives(entry.path().filename())) continue;
    std::error_code ignored;
    if (fs::remove_all(path, ignored) > 0) ++removed;
  }
  return removed;
}

}  // namespace weft::kernel

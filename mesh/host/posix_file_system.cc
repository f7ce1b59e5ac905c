// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace weft::host {
namespace {

class PosixFile final : public io::File {
 public:
  PosixFile(std::string path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto count = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(ErrorCode::io, "cannot read " + path_, errno);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto count =
          ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(ErrorCode::io, "cannot write " + path_, errno);
      done += static_cast<std::size_t>(count);
    }
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0) return {};
    return fail_errno(ErrorCode::io, "cannot truncate " + path_, errno);
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return fail_errno(ErrorCode::io, "cannot read " + path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> sync() override {
    if (::fsync(fd_.get()) == 0) return {};
    return fail_errno(ErrorCode::io, "cannot sync " + path_, errno);
  }

  Result<void> lock() override {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd_.get(), F_OFD_SETLK, &whole) == 0) return {};
    if (errno != EAGAIN && errno != EACCES) return fail_errno(ErrorCode::io, "cannot lock " + path_, errno);
    return fail(ErrorCode::refused,
                path_ + " is in use by another process: stop it, or choose another state directory");
  }

 private:
  std::string path_;
  FileDescriptor fd_;
};

int flags_of(io::FileMode mode) {
  switch (mode) {
    case io::FileMode::read_only:
      return O_RDONLY | O_CLOEXEC;
    case io::FileMode::read_write:
      return O_RDWR | O_CLOEXEC;
    case io::FileMode::create:
      return O_RDWR | O_CREAT | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

}  // namespace

Result<std::unique_ptr<PosixFileSystem>> PosixFileSystem::open_directory(const std::string& path) {
  std::error_code ignored;  // open tells
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  ::mkdir(path.c_str(), 0700);
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_errno(ErrorCode::io, "cannot use the state directory " + path, errno);
  return std::unique_ptr<PosixFileSystem>(new PosixFileSystem(path, std::move(directory)));
}

std::unique_ptr<PosixFileSystem> PosixFileSystem::none() {
  return std::unique_ptr<PosixFileSystem>(new PosixFileSystem("(no state directory)", FileDescriptor()));
}

Result<std::unique_ptr<io::File>> PosixFileSystem::open(const std::string& name, io::FileMode mode) {
  const std::string path = path_ + "/" + name;
  FileDescriptor fd(::openat(directory_.get(), name.c_str(), flags_of(mode), 0600));
  if (fd.valid()) return std::make_unique<PosixFile>(path, std::move(fd));
  return fail_errno(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot open " + path, errno);
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0) return {};
  return fail_errno(ErrorCode::io, "cannot rename " + path_ + "/" + from, errno);
}

Result<void> PosixFileSystem::remove(const std::string& name) {
  if (::unlinkat(directory_.get(), name.c_str(), 0) == 0) return {};
  return fail_errno(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot remove " + path_ + "/" + name,
                    errno);
}

bool PosixFileSystem::exists(const std::string& name) {
  return ::faccessat(directory_.get(), name.c_str(), F_OK, 0) == 0;
}

Result<std::vector<std::string>> PosixFileSystem::list() {
  const int fd = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) return fail_errno(ErrorCode::io, "cannot list " + path_, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_type == DT_REG) names.emplace_back(entry->d_name);
  }
  ::closedir(directory);
  std::ranges::sort(names);
  return names;
}

Result<void> PosixFileSystem::sync_directory() {
  if (::fsync(directory_.get()) == 0) return {};
  return fail_errno(ErrorCode::io, "cannot sync " + path_, errno);
}

}  // namespace weft::host

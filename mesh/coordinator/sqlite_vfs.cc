// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/sqlite_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"
#include "mesh/io/clock.h"
#include "mesh/io/file.h"

namespace weft::coordinator {

struct SqliteVfs::State {
  io::FileSystem& files;
  io::Clock& clock;
  Entropy& entropy;
  std::string name;
  sqlite3_vfs vfs{};
};

namespace {

/// SQLite allocates this and knows only its first member.
struct OpenFile {
  sqlite3_file base;
  io::FileSystem* files;
  io::File* file;
  bool created;  // its directory entry is not durable yet
};

OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

int close_file(sqlite3_file* file) {
  delete of(file).file;
  of(file).file = nullptr;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
  const MutableByteView view(static_cast<std::uint8_t*>(out), static_cast<std::size_t>(count));
  const auto read = of(file).file->read_at(static_cast<std::uint64_t>(offset), view);
  if (!read) return SQLITE_IOERR_READ;
  if (*read == view.size()) return SQLITE_OK;
  std::fill(view.begin() + static_cast<std::ptrdiff_t>(*read), view.end(), std::uint8_t{0});
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  const ByteView view(static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(count));
  return of(file).file->write_at(static_cast<std::uint64_t>(offset), view) ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return of(file).file->truncate(static_cast<std::uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int) {
  if (!of(file).file->sync()) return SQLITE_IOERR_FSYNC;
  if (of(file).created && !of(file).files->sync_directory()) return SQLITE_IOERR_DIR_FSYNC;
  of(file).created = false;
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* out) {
  const auto size = of(file).file->size();
  if (!size) return SQLITE_IOERR_FSTAT;
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int check_reserved_lock(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int device_characteristics(sqlite3_file*) { return 0; }

constexpr sqlite3_io_methods kMethods = {1,
                                         close_file,
                                         read_file,
                                         write_file,
                                         truncate_file,
                                         sync_file,
                                         size_of_file,
                                         lock_file,
                                         lock_file,
                                         check_reserved_lock,
                                         file_control,
                                         sector_size,
                                         device_characteristics,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr};

template <typename S>
S& state_of(sqlite3_vfs* vfs) {
  return *static_cast<S*>(vfs->pAppData);
}

/// The functions of sqlite3_vfs; a template only to reach the private State.
template <typename S>
struct Functions {
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    S& state = state_of<S>(vfs);
    OpenFile& opened = of(file);
    opened = {};
    if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files live in memory (temp_store)
    const bool fresh = (flags & SQLITE_OPEN_CREATE) != 0 && !state.files.exists(name);
    const auto mode = fresh ? io::FileMode::create : io::FileMode::read_write;
    auto opening = state.files.open(name, mode);
    if (!opening) return SQLITE_CANTOPEN;
    opened = {{&kMethods}, &state.files, opening->release(), fresh};
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
    S& state = state_of<S>(vfs);
    if (!state.files.exists(name)) return SQLITE_IOERR_DELETE_NOENT;
    if (!state.files.remove(name)) return SQLITE_IOERR_DELETE;
    if (sync_directory != 0 && !state.files.sync_directory()) return SQLITE_IOERR_DIR_FSYNC;
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* vfs, const char* name, int, int* out) {
    *out = state_of<S>(vfs).files.exists(name) ? 1 : 0;
    return SQLITE_OK;
  }

  static int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::strcpy(out, name);
    return SQLITE_OK;
  }

  static int randomness(sqlite3_vfs* vfs, int size, char* out) {
    state_of<S>(vfs).entropy.fill({reinterpret_cast<std::uint8_t*>(out), static_cast<std::size_t>(size)});
    return size;
  }

  static int wait(sqlite3_vfs*, int) { return 0; }

  static int current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* out) {
    constexpr sqlite3_int64 kUnixEpochInJulianMs = 210'866'760'000'000;
    const auto since_epoch = state_of<S>(vfs).clock.wall_now().time_since_epoch();
    *out = kUnixEpochInJulianMs + std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    return SQLITE_OK;
  }

  static int current_time(sqlite3_vfs* vfs, double* out) {
    sqlite3_int64 ms = 0;
    current_time_int64(vfs, &ms);
    *out = static_cast<double>(ms) / 86'400'000.0;
    return SQLITE_OK;
  }

  static int last_error(sqlite3_vfs*, int, char*) { return 0; }
};

}  // namespace

SqliteVfs::SqliteVfs(io::FileSystem& files, io::Clock& clock, Entropy& entropy)
    : state_(new State{files, clock, entropy, {}, {}}) {
  static std::atomic<unsigned> instances = 0;
  state_->name = "weft-" + std::to_string(++instances);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(OpenFile);
  vfs.mxPathname = 255;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  using F = Functions<State>;
  vfs.xOpen = F::open;
  vfs.xDelete = F::remove;
  vfs.xAccess = F::access;
  vfs.xFullPathname = F::full_path;
  vfs.xRandomness = F::randomness;
  vfs.xSleep = F::wait;
  vfs.xCurrentTime = F::current_time;
  vfs.xCurrentTimeInt64 = F::current_time_int64;
  vfs.xGetLastError = F::last_error;
  // SQLite seeds its generator once, from the default file system: let that be this one for a moment.
  sqlite3_vfs* const before = sqlite3_vfs_find(nullptr);
  WEFT_ASSERT(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
  sqlite3_randomness(0, nullptr);
  char seeded = 0;
  sqlite3_randomness(1, &seeded);
  if (before != nullptr) sqlite3_vfs_register(before, 1);
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(&state_->vfs); }

const char* SqliteVfs::name() const { return state_->name.c_str(); }

}  // namespace weft::coordinator

// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/redact.h"
#include "mesh/bin/wall_time_text.h"
#include "mesh/host/file_descriptor.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr const char* kSchema = "weft.bundle/1";
constexpr std::size_t kMostOfFile = 64 * 1024;

/// Files of the machine that tell how it is set up, none of which should hold a secret; they are redacted all the same.
constexpr std::array kFiles{"/etc/os-release",   "/etc/resolv.conf",     "/etc/weft/weft.json", "/proc/net/dev",
                            "/proc/net/route",   "/proc/net/ipv6_route", "/proc/net/fib_trie",  "/proc/net/snmp",
                            "/proc/net/netstat", "/proc/net/sockstat",   "/proc/modules"};

json system_facts() {
  utsname name{};
  ::uname(&name);
  json files = json::object();
  for (const char* path : kFiles) {
    std::ifstream file(path);
    if (!file) continue;
    std::string text(kMostOfFile, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    files[path] = text;
  }
  return {{"kernel", std::string(name.sysname) + " " + name.release + " " + name.machine}, {"files", files}};
}

WallTime now() {
  return WallTime(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

/// Only its owner may read it: addresses and names of a network are nobody else's business.
Result<void> write_file(const std::string& path, const std::string& text) {
  const host::FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return host::fail_errno(ErrorCode::io, "cannot make the file " + path, errno);
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = ::write(fd.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return host::fail_errno(ErrorCode::io, "cannot write " + path, errno);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace

int run_debug_bundle(const DebugBundleFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  json bundle{{"schema", kSchema}, {"version", WEFT_VERSION}, {"made", to_text(now())}, {"system", system_facts()}};
  const auto daemon = call_daemon(Service::agent, *settings, "bundle", json::object(), 10s);
  if (!daemon && daemon.error().code != ErrorCode::not_running) return report(daemon.error());
  bundle["agent"] = daemon ? *daemon : json(nullptr);
  if (!daemon) bundle["agent_error"] = daemon.error().message;
  const std::string text = redact_document(bundle).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  if (auto written = write_file(flags.file, text); !written) return report(written.error());
  print_line(flags.file);
  return 0;
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#include <net/if.h>

#include "mesh/bin/agent_settings.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"
#include "mesh/host/default_route.h"
#include "mesh/host/linux_routes.h"
#include "mesh/host/posix_file_system.h"

namespace weft::bin {
namespace {

/// The interface of the agent whose state is in `directory`, unless it runs. Errors: refused if it does.
Result<std::string> interface_of(const std::string& directory) {
  auto files = host::PosixFileSystem::open_directory(directory);
  if (!files) return std::unexpected(files.error());
  auto lock = (*files)->open("agent.lock", io::FileMode::create);
  if (!lock) return std::unexpected(lock.error());
  if (auto locked = (*lock)->lock(); !locked) return std::unexpected(locked.error());
  const auto settings = load_settings(**files);
  if (!settings) return std::unexpected(settings.error());
  return settings->tun_name;
}

}  // namespace

int run_debug_cleanup(const DebugCleanupFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  auto name = interface_of(settings->state);
  if (!name) return report(name.error());
  if (flags.tun_name) name = *flags.tun_name;
  // An interface that its process had made is gone with it, and with it all that led there but the rules.
  host::remove_stale_rules();
  if (const unsigned index = ::if_nametoindex(name->c_str()); index != 0) host::remove_leftovers(index);
  return 0;
}

}  // namespace weft::bin

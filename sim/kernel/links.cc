// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/links.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sim/kernel/host_process.h"

namespace weft::kernel {
namespace {

Result<void> switch_offloads_off(const WireEnd& end) {
  const Inside inside(*end.space);
  const host::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const std::uint32_t what : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM}) {
    ethtool_value off{.cmd = what, .data = 0};
    ifreq request{};
    end.interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&off);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0)
      return host::fail_errno(ErrorCode::io, "cannot switch the offloads of " + end.interface + " off", errno);
  }
  return {};
}

}  // namespace

Result<void> configure(const NetNamespace& space, const std::string& ip_lines) {
  auto done = run_in(space, {"ip", "-batch", "-"}, ip_lines);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<void> make_wire(const WireEnd& near, const WireEnd& far) {
  auto done = configure(*near.space, fmt::format("link add {} address {} type veth peer name {} address {} netns {}\n"
                                                 "link set {} addrgenmode none\nlink set {} up\n",
                                                 near.interface, to_string(near.mac), far.interface, to_string(far.mac),
                                                 far.space->path(), near.interface, near.interface));
  if (!done) return done;
  done = configure(*far.space, fmt::format("link set {0} addrgenmode none\nlink set {0} up\n", far.interface));
  if (!done) return done;
  if (done = switch_offloads_off(near); !done) return done;
  return switch_offloads_off(far);
}

Result<void> make_bridge(const WireEnd& at) {
  return configure(*at.space, fmt::format("link add {0} address {1} type bridge mcast_snooping 0\n"
                                          "link set {0} addrgenmode none\nlink set {0} up\n",
                                          at.interface, to_string(at.mac)));
}

Result<void> set_sysctl(const NetNamespace& space, const std::string& name, const std::string& value) {
  const Inside inside(space);
  std::ofstream file("/proc/sys/net/" + name);
  file << value << std::flush;
  if (file) return {};
  return fail(ErrorCode::io,
              "cannot set net/" + name + " to " + value + " in a network namespace; does the kernel have it?");
}

std::uint64_t sent_bytes(const NetNamespace& space, const std::string& interface) {
  const Inside inside(space);
  std::ifstream file("/proc/thread-self/net/dev");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, colon).find(interface) == std::string::npos) continue;
    std::istringstream fields(line.substr(colon + 1));
    std::uint64_t values[10] = {};
    for (std::uint64_t& value : values) fields >> value;
    return values[8] - gateway::kEthernetSize * values[9];  // of what was sent: bytes, then packets
  }
  return 0;
}

}  // namespace weft::kernel

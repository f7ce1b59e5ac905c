// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "mesh/host/default_route.h"
#include "mesh/host/linux_network_monitor.h"

namespace weft::host {
namespace {

constexpr std::uint16_t kLeastMtu = 1280;  // RFC 8200 §5

std::unexpected<Error> refuse(const std::string& name, int error_number) {
  switch (error_number) {
    case EPERM:
    case EACCES:
      return fail(ErrorCode::no_tun_permission,
                  "no permission to make the network interface " + name + ": run as root or with CAP_NET_ADMIN");
    case ENOENT:
    case ENODEV:
      return fail(ErrorCode::no_tun_permission,
                  "/dev/net/tun is missing: load the kernel module tun, or give the device to the container");
    case EBUSY:
      return fail(ErrorCode::io, "the network interface " + name + " is in use: choose another name");
    default:
      return fail_errno(ErrorCode::io, "cannot make the network interface " + name, error_number);
  }
}

Result<void> configure(std::uint32_t interface_index, const std::string& name, const io::TunOptions& options) {
  Rtnetlink netlink;
  const int up = bring_interface_up(netlink, interface_index, options.mtu);
  if (up != 0) return refuse(name, up);
  for (const auto& address : options.addresses) {
    const int error_number = add_interface_address(netlink, interface_index, address);
    if (error_number == 0 || means_no_ipv6(address.address, error_number)) continue;
    return fail_errno(ErrorCode::io, "cannot give " + name + " the address " + address.to_string(), error_number);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<io::TunDevice>> LinuxTun::open(AsioLoop& loop, LinuxNetworkMonitor& monitor,
                                                      const io::TunOptions& options) {
  if (options.name.empty() || options.name.size() >= IFNAMSIZ) {
    return fail(ErrorCode::usage, "interface name \"" + options.name + "\" must have 1 to 15 characters");
  }
  if (options.mtu < kLeastMtu) return fail(ErrorCode::usage, "the MTU of " + options.name + " must be at least 1280");
  FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return refuse(options.name, errno);
  const bool there_before = ::if_nametoindex(options.name.c_str()) != 0;
  char buffer[IFNAMSIZ] = {};
  std::memcpy(buffer, options.name.data(), options.name.size());
  const int sharing = options.shared ? IFF_MULTI_QUEUE : 0;
  const auto offload = attach_tun(fd.get(), buffer, static_cast<short>(IFF_TUN | IFF_NO_PI | sharing));
  if (!offload && errno == EINVAL && there_before) {
    return fail(ErrorCode::io, "the network interface " + options.name + " was made " +
                                   (options.shared ? "with one queue, and several lanes need one each"
                                                   : "with several queues, and one lane needs one") +
                                   ": make it anew, or choose another name");
  }
  if (!offload) return refuse(options.name, errno);
  const std::string name = buffer;
  const std::uint32_t index = ::if_nametoindex(name.c_str());
  monitor.exclude(name);
  remove_stale_rules();                       // of a killed process, whose device is gone
  if (there_before) remove_leftovers(index);  // a device made to stay, with what a killed process left on it
  auto device =
      std::make_unique<LinuxTun>(loop, monitor, std::move(fd), name, options.mtu, index, there_before, *offload);
  if (auto done = configure(index, name, options); !done) return std::unexpected(done.error());
  return device;
}

LinuxTun::LinuxTun(AsioLoop& loop, LinuxNetworkMonitor& monitor, FileDescriptor fd, std::string name, std::uint16_t mtu,
                   std::uint32_t interface_index, bool stays, TunOffload offload)
    : monitor_(monitor),
      queue_(loop, std::move(fd), offload),
      name_(std::move(name)),
      mtu_(mtu),
      interface_index_(interface_index),
      stays_(stays),
      routes_(interface_index) {}

LinuxTun::~LinuxTun() {
  queue_.close();
  if (stays_) remove_leftovers(interface_index_);
  monitor_.include(name_);
}

Result<std::unique_ptr<io::TunQueue>> LinuxTun::open_queue(AsioLoop& loop, const std::string& device) {
  FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return refuse(device, errno);
  char buffer[IFNAMSIZ] = {};
  std::memcpy(buffer, device.data(), std::min(device.size(), sizeof buffer - 1));
  const auto offload = attach_tun(fd.get(), buffer, IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE);
  if (!offload) return refuse(device, errno);
  return std::make_unique<LinuxTunQueue>(loop, std::move(fd), *offload);
}

}  // namespace weft::host

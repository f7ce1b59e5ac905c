// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mesh/host/datagram_batch.h"
#include "mesh/host/linux_network_monitor.h"

namespace weft::host {
namespace {

/// Batches read in one turn before other descriptors get theirs.
constexpr int kBatchesPerTurn = 4;
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
  ifreq request{};
  std::memcpy(request.ifr_name, options.name.data(), options.name.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return refuse(options.name, errno);
  const std::string name = request.ifr_name;
  const std::uint32_t index = ::if_nametoindex(name.c_str());
  monitor.exclude(name);
  auto device = std::make_unique<LinuxTun>(loop, monitor, std::move(fd), name, options.mtu, index);
  if (auto done = configure(index, name, options); !done) return std::unexpected(done.error());
  return device;
}

LinuxTun::LinuxTun(AsioLoop& loop, LinuxNetworkMonitor& monitor, FileDescriptor fd, std::string name, std::uint16_t mtu,
                   std::uint32_t interface_index)
    : loop_(loop),
      monitor_(monitor),
      readiness_(loop, std::move(fd)),
      name_(std::move(name)),
      mtu_(mtu),
      routes_(interface_index) {}

LinuxTun::~LinuxTun() {
  readiness_.close();
  monitor_.include(name_);
}

void LinuxTun::start_receive(PacketHandler handler) {
  handler_ = std::make_shared<PacketHandler>(std::move(handler));
  wait();
}

void LinuxTun::wait() {
  readiness_.wait_readable([this] { receive(); });
}

void LinuxTun::receive() {
  const std::weak_ptr<PacketHandler> alive = handler_;
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    const std::size_t count = read_batch();
    if (count > 0) {
      const auto handler = handler_;
      (*handler)(std::span(loop_.batch().packets.data(), count));
    }
    if (alive.expired()) return;
    if (count < PacketArena::kBatch) break;
  }
  wait();
}

std::size_t LinuxTun::read_batch() {
  std::size_t count = 0;
  while (count < PacketArena::kBatch) {
    Slot slot = loop_.arena().slot(count);
    const auto length = ::read(readiness_.fd(), slot.data(), PacketArena::content_limit());
    if (length <= 0) break;
    slot.length = static_cast<std::uint32_t>(length);
    loop_.batch().packets[count] = {};
    loop_.batch().packets[count++].slot = slot;
  }
  return count;
}

std::size_t LinuxTun::write(std::span<PacketSlot> packets) {
  return static_cast<std::size_t>(std::ranges::count_if(packets, [this](const PacketSlot& packet) {
    const bool plain =
        packet.offload.segmentation == PacketOffload::Segmentation::none && !packet.offload.needs_checksum;
    return plain && ::write(readiness_.fd(), packet.slot.data(), packet.slot.length) == packet.slot.length;
  }));
}

}  // namespace weft::host

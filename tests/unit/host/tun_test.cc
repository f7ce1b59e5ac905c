// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "mesh/host/asio_timer.h"
#include "mesh/host/linux_network_monitor.h"
#include "mesh/host/linux_tun.h"
#include "mesh/io/clock.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/tun_device.h"
#include "mesh/io/udp_socket.h"
#include "tests/support/network_namespace.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::Not;

class TunTest : public LoopTest {
 protected:
  void SetUp() override {
    if (!space_.entered()) GTEST_SKIP() << "needs root: no network namespace, no TUN";
    LoopTest::SetUp();
  }
  std::unique_ptr<io::TunDevice> open(io::TunOptions options = {}) {
    options.addresses = {*Prefix::parse("100.64.0.1/32"), *Prefix::parse("fd00::1/128")};
    auto device = host_->open_tun(options);
    EXPECT_TRUE(device) << device.error().message;
    return std::move(*device);
  }
  static bool shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

  /// A datagram goes out through `tun` and its answer comes in.
  void expect_echo(io::TunDevice& tun);

  test::NetworkNamespace space_;
  TimerQueue timers_{loop_};
  LinuxNetworkMonitor monitor_{loop_, timers_};
};

void TunTest::expect_echo(io::TunDevice& tun) {
  ASSERT_TRUE(tun.set_routes({*Prefix::parse("100.64.0.2/32")}));
  auto socket = host_->open_udp({.local = {IpAddress::any(IpFamily::v4), 0}});
  ASSERT_TRUE(socket);
  Bytes packet, reply;
  // The far side of the tunnel: sends each packet back with its addresses and ports exchanged.
  tun.start_receive([&](std::span<PacketSlot> packets) {
    for (auto& item : packets) {
      packet = to_bytes(item.slot.bytes());
      auto* bytes = item.slot.data();
      if (packet.size() < 28 || packet[0] != 0x45) continue;
      std::swap_ranges(bytes + 12, bytes + 16, bytes + 16);
      std::swap_ranges(bytes + 20, bytes + 22, bytes + 22);
      EXPECT_EQ(tun.write({&item, 1}), 1u);
    }
  });
  (*socket)->start_receive([&](std::span<DatagramSlot> items) { reply = to_bytes(items[0].slot.bytes()); });
  std::array<std::uint8_t, 4> content{1, 2, 3, 4};
  DatagramSlot item{.slot = {.arena = content.data(), .capacity = 4, .offset = 0, .length = 4}, .meta = {}};
  item.meta.destination = {IpAddress::v4(100, 64, 0, 2), 9};
  EXPECT_EQ((*socket)->send({&item, 1}), 1u);
  ASSERT_TRUE(run_until([&] { return !reply.empty(); }));
  EXPECT_EQ(reply, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(IpAddress::from_bytes(ByteView(packet).subspan(12, 4)), IpAddress::v4(100, 64, 0, 1));
}

TEST_F(TunTest, PacketsLeaveAndEnterTheMachine) { expect_echo(*open()); }

TEST_F(TunTest, PacketsPassOnEveryRungOfTheLadderOfOffloads) {
  for (const bool header : {true, false}) {
    FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    ifreq request{};
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | (header ? IFF_VNET_HDR : 0));
    ASSERT_EQ(::ioctl(fd.get(), TUNSETIFF, &request), 0);
    const std::string name = request.ifr_name;
    ASSERT_TRUE(shell("ip addr add 100.64.0.1/32 dev " + name + " && ip link set up mtu 1400 dev " + name));
    LinuxTun tun(loop_, monitor_, std::move(fd), name, 1400, ::if_nametoindex(name.c_str()), false,
                 header ? TunOffload::header : TunOffload::none);
    expect_echo(tun);
  }
}

TEST_F(TunTest, RoutesAreReplacedAndARefusalLeavesThemAsTheyWere) {
  auto tun = open();
  ASSERT_TRUE(tun->set_routes({*Prefix::parse("100.64.0.2/32"), *Prefix::parse("100.64.0.3/32")}));
  ASSERT_TRUE(tun->set_routes({*Prefix::parse("100.64.0.3/32"), *Prefix::parse("100.64.0.4/32")}));
  EXPECT_FALSE(shell("ip route show dev weft0 | grep -q 100.64.0.2"));
  EXPECT_TRUE(shell("ip route show dev weft0 | grep -q 100.64.0.3"));
  EXPECT_TRUE(shell("ip route show dev weft0 | grep -q 100.64.0.4"));
  ASSERT_TRUE(shell("ip link set weft0 down"));  // the kernel refuses routes into it, and has dropped those there were
  EXPECT_FALSE(tun->set_routes({*Prefix::parse("100.64.0.5/32")}));
}

TEST_F(TunTest, TakesOverMtuAndVanishesWithTheDevice) {
  auto tun = open({.name = "weft7", .mtu = 1300, .addresses = {}});
  EXPECT_EQ(tun->name(), "weft7");
  EXPECT_TRUE(shell("ip link show weft7 | grep -q 'mtu 1300'"));
  EXPECT_TRUE(shell("ip -6 addr show dev weft7 | grep -q fd00::1"));
  EXPECT_FALSE(shell("ip -6 addr show dev weft7 | grep -q fe80"));
  const auto second = host_->open_tun({.name = "weft7", .mtu = 1300, .addresses = {}});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("weft7"), std::string::npos);
  tun.reset();
  EXPECT_FALSE(shell("ip link show weft7"));
}

TEST_F(TunTest, TheMonitorSeesOtherInterfacesButNotOurOwn) {
  ASSERT_TRUE(shell("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up"));
  auto tun = open();
  int changes = 0;
  host_->network().on_change([&] { ++changes; });
  ASSERT_TRUE(tun->set_routes({*Prefix::parse("100.64.0.2/32")}));
  ASSERT_TRUE(shell("ip addr add 192.0.2.5/24 dev v0 && ip route add default via 192.0.2.1"));
  ASSERT_TRUE(run_until([&] {
    const auto seen = host_->network().interfaces();
    return changes > 0 && std::ranges::any_of(seen, [](const auto& each) { return each.has_default_route; });
  }));
  const auto seen = host_->network().interfaces();
  EXPECT_THAT(seen, Not(Contains(Field(&io::NetworkInterface::name, "weft0"))));
  EXPECT_THAT(seen, Not(Contains(Field(&io::NetworkInterface::name, "lo"))));
  const auto v0 = std::ranges::find(seen, "v0", &io::NetworkInterface::name);
  ASSERT_NE(v0, seen.end());
  EXPECT_TRUE(v0->up);
  EXPECT_TRUE(v0->has_default_route);
  EXPECT_THAT(v0->addresses, Contains(Prefix{IpAddress::v4(192, 0, 2, 5), 24}));
}

}  // namespace
}  // namespace weft::host

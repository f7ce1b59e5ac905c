// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "mesh/host/socket_address.h"
#include "tests/contract/contract_world.h"
#include "tests/contract/namespaced_host.h"
#include "tests/support/network_namespace.h"

namespace weft::contract {
namespace {

struct Place {
  const char* name;
  const char* v4;
  const char* v6;
  const char* router_v4;
  const char* router_v6;
};
constexpr Place kLeft{"left", "192.0.2.2", "2001:db8:1::2", "192.0.2.1", "2001:db8:1::1"};
constexpr Place kRight{"right", "198.51.100.2", "2001:db8:2::2", "198.51.100.1", "2001:db8:2::1"};

/// Duplicate address detection would cost each test two seconds.
const std::string kNoDuplicateDetection = "sysctl -qw net.ipv6.conf.default.accept_dad=0";

/// Two hosts of one process on one loop. As root each has a network namespace, and the kernel routes between them:
///
///   left eth0 192.0.2.2 --- 192.0.2.1 router 198.51.100.1 --- 198.51.100.2 eth0 right
///
/// Otherwise they are two addresses of the machine's loopback, without TUN.
class AsioWorld final : public ContractWorld {
 public:
  AsioWorld() {
    directory_ = (std::filesystem::temp_directory_path() / "weft-contract-XXXXXX").string();
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    if (!routed()) std::cerr << "not root: no network namespaces, so the tests of TUN and of routers are skipped\n";
    if (routed()) {
      shell(kNoDuplicateDetection + " net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
      left_host_ = make_host(kLeft.name, make_place(kLeft));
      right_host_ = make_host(kRight.name, make_place(kRight));
      left_ = {left_host_.get(), *IpAddress::parse(kLeft.v4), *IpAddress::parse(kLeft.v6)};
      right_ = {right_host_.get(), *IpAddress::parse(kRight.v4), *IpAddress::parse(kRight.v6)};
      left_host_->inside([&] {
        open_application();
        EXPECT_TRUE(reachable(right_.v6));
      });
      right_host_->inside([&] { EXPECT_TRUE(reachable(left_.v6)); });
    } else {
      left_host_ = make_host(kLeft.name, {});
      right_host_ = make_host(kRight.name, {});
      left_ = {left_host_.get(), IpAddress::v4(127, 0, 0, 2), IpAddress::loopback(IpFamily::v6)};
      right_ = {right_host_.get(), IpAddress::v4(127, 0, 0, 3), IpAddress::loopback(IpFamily::v6)};
    }
  }
  ~AsioWorld() override {
    left_host_.reset();
    right_host_.reset();
    std::filesystem::remove_all(directory_);
  }

  ContractHost left() override { return left_; }
  ContractHost right() override { return right_; }

  bool run_until(const std::function<bool()>& done, Duration limit) override {
    loop_.clock().turn();
    const Time end = loop_.clock().now() + limit;
    while (!done()) {
      loop_.run_one(std::min<Duration>(end - loop_.clock().now(), 50ms));
      loop_.clock().turn();
      if (loop_.clock().now() >= end) return done();
    }
    return true;
  }

  std::uint8_t hops() const override { return routed() ? 1 : 0; }
  std::size_t mtu() const override { return routed() ? 1500 : 65536; }
  bool has_tun() const override { return routed(); }

  void send_from_application(const Bytes& packet) override {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::copy(packet.begin() + 16, packet.begin() + 20, reinterpret_cast<std::uint8_t*>(&to.sin_addr));
    const auto sent =
        ::sendto(raw_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    EXPECT_EQ(sent, static_cast<ssize_t>(packet.size()));
  }
  std::vector<Bytes> received_by_application() override {
    Bytes packet(2048);
    for (auto length = ::recv(raw_.get(), packet.data(), packet.size(), 0); length > 0;
         length = ::recv(raw_.get(), packet.data(), packet.size(), 0)) {
      received_.emplace_back(packet.begin(), packet.begin() + length);
    }
    return received_;
  }

 private:
  bool routed() const { return router_.entered(); }

  std::unique_ptr<NamespacedHost> make_host(const std::string& name, host::FileDescriptor space) {
    auto created = host::AsioHost::create(loop_, {.state_directory = directory_ + "/" + name});
    EXPECT_TRUE(created) << created.error().message;
    return std::make_unique<NamespacedHost>(std::move(*created), std::move(space));
  }

  /// A namespace joined to the router's by a veth; its descriptor.
  static host::FileDescriptor make_place(const Place& place) {
    host::FileDescriptor space;
    {
      const test::NetworkNamespace fresh;
      shell(kNoDuplicateDetection);
      space = host::FileDescriptor(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    }
    const std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), space.get());
    const std::string inside = "nsenter --net=" + path + " ";
    shell(
        fmt::format("ip link add {0} type veth peer name eth0 netns {1} && ip link set {0} up && "
                    "ip addr add {2}/24 dev {0} && ip addr add {3}/64 dev {0} nodad",
                    place.name, path, place.router_v4, place.router_v6));
    shell(
        fmt::format("{0} ip link set eth0 up && {0} ip addr add {1}/24 dev eth0 && "
                    "{0} ip addr add {2}/64 dev eth0 nodad && {0} ip route add default via {3} && "
                    "{0} ip route add default via {4}",
                    inside, place.v4, place.v6, place.router_v4, place.router_v6));
    return space;
  }

  void open_application() {
    raw_ = host::FileDescriptor(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
    host::set_option(raw_.get(), IPPROTO_IP, IP_HDRINCL, 1);
  }

  /// The kernel takes new IPv6 addresses into use from a work queue, and until then refuses now and again.
  static bool reachable(const IpAddress& address) {
    const auto to = host::to_socket_address({address, 9});
    int refused = 0;
    for (int tries = 0; tries < 10'000 && refused < 20; ++tries) {
      const host::FileDescriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(probe.get(), to.get(), to.length) != 0 && errno == ECONNREFUSED) ++refused;
    }
    return refused == 20;
  }
  static void shell(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0) << command; }

  test::NetworkNamespace router_;
  std::string directory_;
  host::FileDescriptor raw_;
  host::AsioLoop loop_;
  std::unique_ptr<NamespacedHost> left_host_, right_host_;
  ContractHost left_, right_;
  std::vector<Bytes> received_;
};

}  // namespace

std::unique_ptr<ContractWorld> make_contract_world() { return std::make_unique<AsioWorld>(); }

}  // namespace weft::contract

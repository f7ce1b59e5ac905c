// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "mesh/host/asio_host.h"
#include "mesh/host/socket_address.h"
#include "tests/contract/contract_world.h"
#include "tests/support/network_namespace.h"

namespace weft::contract {
namespace {

/// Two hosts of one process on one loop, at two addresses of the loopback interface. As root in a network namespace of
/// its own, where that interface has an MTU like Ethernet's and TUN devices can be made; otherwise on the machine's
/// loopback, without TUN.
class AsioWorld final : public ContractWorld {
 public:
  AsioWorld() {
    directory_ = (std::filesystem::temp_directory_path() / "weft-contract-XXXXXX").string();
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    if (space_.entered()) {
      shell("ip link set lo mtu 1500");
      shell("ip -6 addr add 2001:db8::1/128 dev lo nodad && ip -6 addr add 2001:db8::2/128 dev lo nodad");
      EXPECT_TRUE(reachable("2001:db8::1") && reachable("2001:db8::2"));
      raw_ = host::FileDescriptor(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
      host::set_option(raw_.get(), IPPROTO_IP, IP_HDRINCL, 1);
    } else {
      std::cerr << "not root: no network namespace, so the TUN tests are skipped\n";
    }
    left_ = add("left", "127.0.0.2", "2001:db8::1", left_host_);
    right_ = add("right", "127.0.0.3", "2001:db8::2", right_host_);
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

  std::uint8_t hops() const override { return 0; }
  std::size_t mtu() const override { return space_.entered() ? 1500 : 65536; }
  bool has_tun() const override { return space_.entered(); }

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
  ContractHost add(const char* name, const char* v4, const char* v6, std::unique_ptr<host::AsioHost>& into) {
    auto created = host::AsioHost::create(loop_, {.state_directory = directory_ + "/" + name});
    EXPECT_TRUE(created) << created.error().message;
    into = std::move(*created);
    const char* reachable = space_.entered() ? v6 : "::1";
    return {.host = into.get(), .v4 = *IpAddress::parse(v4), .v6 = *IpAddress::parse(reachable)};
  }
  /// The kernel takes new IPv6 addresses into use from a work queue, and until then says ENETUNREACH now and again.
  static bool reachable(const char* address) {
    const auto to = host::to_socket_address({*IpAddress::parse(address), 9});
    for (int refused = 0, tries = 0; tries < 10'000 && refused < 20; ++tries) {
      const host::FileDescriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(probe.get(), to.get(), to.length) != 0 && errno == ECONNREFUSED) ++refused;
      if (refused == 20) return true;
    }
    return false;
  }
  static void shell(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0) << command; }

  test::NetworkNamespace space_;
  std::string directory_;
  host::FileDescriptor raw_;
  host::AsioLoop loop_;
  std::unique_ptr<host::AsioHost> left_host_, right_host_;
  ContractHost left_, right_;
  std::vector<Bytes> received_;
};

}  // namespace

std::unique_ptr<ContractWorld> make_contract_world() { return std::make_unique<AsioWorld>(); }

}  // namespace weft::contract

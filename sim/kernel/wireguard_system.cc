// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "sim/kernel/system.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

/// Plain WireGuard between all nodes, by wireguard-go: each is told the other's public address and its own port there,
/// which a NAT that keeps ports has, and keeps alive each 5 s. There is nothing that could relay.
class WireGuard final : public PackagedSystem {
 public:
  using PackagedSystem::PackagedSystem;
  ~WireGuard() override {
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
      std::error_code ignored;  // a killed wireguard-go leaves its socket, under a name that is this process's alone
      std::filesystem::remove("/var/run/wireguard/" + interface_of(i) + ".sock", ignored);
    }
  }

  Result<void> start() override {
    std::vector<std::string> secrets, keys;
    for (const sim::NodeSpec& node : scenario_.nodes) {
      auto secret = run(node.name, {"wg", "genkey"});
      if (!secret) return std::unexpected(secret.error());
      auto key = run_in(lab_.network().space(node.name), {"wg", "pubkey"}, *secret);
      if (!key) return std::unexpected(key.error());
      secrets.push_back(*secret);
      keys.push_back(*key);
    }
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
      if (auto done = write("wg" + std::to_string(i) + ".conf", configuration(i, secrets[i], keys)); !done) return done;
      if (auto done = start_node(i); !done) return done;
    }
    return {};
  }

 private:
  static constexpr int kPort = 51820;
  /// The programs meet at a socket of this name in a folder that all namespaces share.
  static std::string interface_of(std::size_t i) { return fmt::format("wg{}x{}", ::getpid(), i); }

  std::string configuration(std::size_t own, const std::string& secret, const std::vector<std::string>& keys) {
    std::string text = fmt::format("[Interface]\nPrivateKey = {}ListenPort = {}\n", secret, kPort);
    for (std::size_t other = 0; other < scenario_.nodes.size(); ++other) {
      if (other == own) continue;
      const std::string& name = scenario_.nodes[other].name;
      text += fmt::format("[Peer]\nPublicKey = {}AllowedIPs = {}/32\nEndpoint = {}:{}\nPersistentKeepalive = 5\n",
                          keys[other], overlay_address(name).to_string(),
                          lab_.network().public_address(name).to_string(), kPort);
    }
    return text;
  }

  Result<void> start_node(std::size_t i) {
    const std::string& name = scenario_.nodes[i].name;
    const std::string script = fmt::format(
        "setpriv --pdeathsig KILL wireguard-go -f {0} & "
        "until wg setconf {0} {1} 2>/dev/null; do kill -0 $! || exit 1; sleep 0.05; done; "
        "ip address add {2}/24 dev {0} && ip link set {0} up; wait $!",
        interface_of(i), path("wg" + std::to_string(i) + ".conf"), overlay_address(name).to_string());
    return launch(name, {"sh", "-c", script});
  }
};

}  // namespace

std::unique_ptr<System> make_wireguard(Lab& lab, const sim::Scenario& scenario) {
  return std::make_unique<WireGuard>(lab, scenario);
}

}  // namespace weft::kernel

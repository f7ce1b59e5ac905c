// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/wireguard_config.h"
#include "mesh/tunnel/static_tunnel.h"

namespace weft::bin {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::usage, path + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void print(const nlohmann::json& object) {
  std::puts(object.dump().c_str());
  std::fflush(stdout);
}

struct EventPrinter {
  const crypto::PublicKey& peer;
  void operator()(const wireguard::HandshakeCompleted& event) const {
    print({{"event", "handshake_completed"}, {"peer", peer.to_base64()}, {"initiator", event.initiator}});
  }
  void operator()(const wireguard::HandshakeGivenUp&) const {
    print({{"event", "handshake_given_up"}, {"peer", peer.to_base64()}});
  }
  void operator()(const wireguard::SessionExpired&) const {
    print({{"event", "session_expired"}, {"peer", peer.to_base64()}});
  }
  void operator()(const wireguard::PathSeen&) const {}
};

void print_stopped(const wireguard::DeviceCounters& counters) {
  print({{"event", "stopped"},
         {"packets_sealed", counters.packets_sealed},
         {"packets_opened", counters.packets_opened},
         {"replayed_packets", counters.replayed_packets},
         {"replayed_handshakes", counters.replayed_handshakes},
         {"unknown_index", counters.unknown_index},
         {"unknown_peer", counters.unknown_peer},
         {"bad_source", counters.bad_source},
         {"bad_tag", counters.bad_tag},
         {"bad_mac", counters.bad_mac},
         {"malformed", counters.malformed}});
}

/// Shorter lives of keys are safe towards any peer; longer ones are not.
Result<void> set_rekey_after(const std::optional<std::string>& text, wireguard::Limits& limits) {
  if (!text) return {};
  const auto age = parse_duration_flag("--rekey-after", *text);
  if (!age) return std::unexpected(age.error());
  if (*age < 1s || *age > limits.rekey_after_time) return fail(ErrorCode::usage, "--rekey-after must be 1s to 120s");
  limits.rekey_after_time = *age;
  return {};
}

Result<crypto::AeadImplementation> parse_cipher(const std::string& name) {
  using enum crypto::AeadImplementation;
  static const std::map<std::string, crypto::AeadImplementation> kCiphers = {
      {"auto", best}, {"avx512", avx512}, {"avx2", avx2}, {"openssl", openssl}};
  const auto found = kCiphers.find(name);
  if (found == kCiphers.end()) return fail(ErrorCode::usage, "--cipher must be auto, avx512, avx2 or openssl");
  if (crypto::available(found->second)) return found->second;
  return fail(ErrorCode::usage, "--cipher " + name + ": this processor or this build does not have it: use auto");
}

}  // namespace

int run_debug_wireguard(const DebugWireguardFlags& flags) {
  auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  settings->state.clear();  // a static tunnel keeps nothing
  const auto text = read_file(flags.config);
  if (!text) return report(text.error());
  auto config = parse_wireguard_config(*text, flags.config);
  if (!config) return report(config.error());
  config->tun.name = flags.tun_name;
  if (auto done = set_rekey_after(flags.rekey_after, config->limits); !done) return report(done.error());
  const auto cipher = parse_cipher(flags.cipher);
  if (!cipher) return report(cipher.error());
  config->cipher = *cipher;
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  auto tunnel = std::make_unique<tunnel::StaticTunnel>((*daemon)->host(), std::move(*config));
  tunnel->on_event = [](const crypto::PublicKey& peer, const wireguard::Event& event) {
    std::visit(EventPrinter{peer}, event);
  };
  if (auto started = tunnel->start(); !started) return report(started.error());
  print({{"event", "started"}, {"port", tunnel->local_endpoint(0).port}});
  (*daemon)->ready();
  return (*daemon)->run([&] {
    print_stopped(tunnel->counters());
    tunnel.reset();
  });
}

}  // namespace weft::bin

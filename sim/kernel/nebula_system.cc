// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "sim/kernel/system.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

/// Nebula as its example configuration advises: a lighthouse that may relay, punching and answering punches.
class Nebula final : public PackagedSystem {
 public:
  using PackagedSystem::PackagedSystem;

  Result<void> start() override {
    auto made = run(meeting_point(),
                    {"nebula-cert", "ca", "-name", "lab", "-out-crt", path("ca.crt"), "-out-key", path("ca.key")});
    if (!made) return std::unexpected(made.error());
    for (const std::string& member : members()) {
      made = run(member, {"nebula-cert", "sign", "-name", member, "-ip", overlay_address(member).to_string() + "/24",
                          "-ca-crt", path("ca.crt"), "-ca-key", path("ca.key"), "-out-crt", path(member + ".crt"),
                          "-out-key", path(member + ".key")});
      if (!made) return std::unexpected(made.error());
      if (auto done = write(member + ".yml", configuration(member)); !done) return done;
      if (auto done = launch(member, {"nebula", "-config", path(member + ".yml")}); !done) return done;
    }
    return {};
  }

 private:
  std::string configuration(const std::string& member) {
    const bool lighthouse = member == meeting_point();
    const std::string at = overlay_address(meeting_point()).to_string();
    std::string text = fmt::format("pki: {{ca: {0}, cert: {1}, key: {2}}}\n", path("ca.crt"), path(member + ".crt"),
                                   path(member + ".key"));
    if (lighthouse) {
      text +=
          "static_host_map: {}\nlighthouse: {am_lighthouse: true}\nlisten: {host: 0.0.0.0, port: 4242}\n"
          "relay: {am_relay: true, use_relays: false}\n";
    } else {
      text += fmt::format(
          "static_host_map: {{\"{0}\": [\"{1}:4242\"]}}\nlighthouse: {{am_lighthouse: false, interval: 10, hosts: "
          "[\"{0}\"]}}\n"
          "listen: {{host: 0.0.0.0, port: 0}}\nrelay: {{am_relay: false, use_relays: true, relays: [\"{0}\"]}}\n",
          at, meeting_address());
    }
    return text +
           "punchy: {punch: true, respond: true}\ntun: {dev: nebula0}\nfirewall:\n"
           "  outbound: [{port: any, proto: any, host: any}]\n  inbound: [{port: any, proto: any, host: any}]\n";
  }
};

}  // namespace

std::unique_ptr<System> make_nebula(Lab& lab, const sim::Scenario& scenario) {
  return std::make_unique<Nebula>(lab, scenario);
}

}  // namespace weft::kernel

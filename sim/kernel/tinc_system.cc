// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/kernel/system.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

/// tinc 1.0 in router mode; every node connects to the one that has a public address.
class Tinc final : public PackagedSystem {
 public:
  using PackagedSystem::PackagedSystem;

  Result<void> start() override {
    for (std::size_t i = 0; i < members().size(); ++i) {
      if (auto done = configure(i); !done) return done;
    }
    for (std::size_t i = 0; i < members().size(); ++i) {
      if (auto done = exchange_keys(i); !done) return done;
    }
    for (std::size_t i = 0; i < members().size(); ++i) {
      const std::string folder = path(folder_of(i));
      if (auto done = launch(members()[i], {"tincd", "-c", folder, "-D", "--pidfile", folder + "/pid"}); !done)
        return done;
    }
    return {};
  }

 private:
  // Names of nodes may have characters that tinc's may not.
  static std::string name_of(std::size_t i) { return "node" + std::to_string(i); }
  static std::string folder_of(std::size_t i) { return "tinc" + std::to_string(i); }
  bool is_hub(std::size_t i) const { return members()[i] == meeting_point(); }

  Result<void> configure(std::size_t i) {
    std::error_code error;
    std::filesystem::create_directories(path(folder_of(i)) + "/hosts", error);
    const std::string own = overlay_address(members()[i]).to_string();
    auto done =
        write(folder_of(i) + "/tinc.conf",
              fmt::format("Name = {}\nMode = router\nDeviceType = tun\nInterface = tinc0\nAddressFamily = ipv4\n{}",
                          name_of(i), is_hub(i) ? "" : "ConnectTo = " + name_of(members().size() - 1) + "\n"));
    if (!done) return done;
    done = write(folder_of(i) + "/tinc-up",
                 fmt::format("#!/bin/sh\nip link set tinc0 up\nip address add {}/24 dev tinc0\n", own), true);
    if (!done) return done;
    done = write(folder_of(i) + "/hosts/" + name_of(i),
                 fmt::format("{}Subnet = {}/32\n", is_hub(i) ? "Address = " + meeting_address() + "\n" : "", own));
    if (!done) return done;
    auto keys = run(members()[i], {"tincd", "-c", path(folder_of(i)), "-K", "2048"});
    if (!keys) return std::unexpected(keys.error());
    return {};
  }

  Result<void> exchange_keys(std::size_t i) {
    std::ifstream file(path(folder_of(i)) + "/hosts/" + name_of(i));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (std::size_t other = 0; other < members().size(); ++other) {
      if (other == i) continue;
      if (auto done = write(folder_of(other) + "/hosts/" + name_of(i), text); !done) return done;
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<System> make_tinc(Lab& lab, const sim::Scenario& scenario) {
  return std::make_unique<Tinc>(lab, scenario);
}

}  // namespace weft::kernel

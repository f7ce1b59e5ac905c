// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <set>
#include <string>

#include "mesh/host/asio_loop.h"
#include "mesh/io/network_monitor.h"

namespace weft::io {
class Timer;
}

namespace weft::host {

class TimerQueue;

/// Interfaces, addresses and default routes by rtnetlink. Listens for changes only once somebody asks for them. A
/// timerfd on the wall clock that is cancelled by steps tells of a resume from suspend (and of a stepped clock:
/// harmless).
class LinuxNetworkMonitor final : public io::NetworkMonitor {
 public:
  LinuxNetworkMonitor(AsioLoop& loop, TimerQueue& timers);
  ~LinuxNetworkMonitor() override;

  std::vector<io::NetworkInterface> interfaces() const override;
  void on_change(std::function<void()> handler) override;

  /// Our own devices, which are left out.
  void exclude(const std::string& name) { excluded_.insert(name); }
  void include(const std::string& name) { excluded_.erase(name); }

 private:
  void wait_netlink();
  void wait_clock_step();
  void compare();
  void call_handler();

  AsioLoop& loop_;
  std::unique_ptr<io::Timer> settle_;  // changes come in bursts
  std::unique_ptr<Readiness> netlink_;
  std::unique_ptr<Readiness> clock_step_;
  std::set<std::string> excluded_;
  std::vector<io::NetworkInterface> last_;
  std::function<void()> handler_;
};

}  // namespace weft::host

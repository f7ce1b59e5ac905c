// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mesh/io/network_monitor.h"
#include "mesh/io/resolver.h"
#include "sim/ns3/ns3_host.h"

namespace weft::stack {

/// Address literals, and ipv4only.arpa (RFC 7050 §8), which behind a NAT64 tells its prefix.
class Ns3Names final : public io::Resolver {
 public:
  explicit Ns3Names(Ns3Host& host) : host_(host) {}
  void resolve(const std::string& name, Handler handler) override;

 private:
  Ns3Host& host_;
};

/// One interface, "eth0" with index 1, whose default route leads to the gateway's inside address, if there is one.
class Ns3Monitor final : public io::NetworkMonitor {
 public:
  explicit Ns3Monitor(Ns3Host& host) : host_(host) {}
  std::vector<io::NetworkInterface> interfaces() const override;
  void on_change(std::function<void()> handler) override { handler_ = std::move(handler); }
  /// Tells on a later turn.
  void changed();

 private:
  Ns3Host& host_;
  std::function<void()> handler_;
};

}  // namespace weft::stack

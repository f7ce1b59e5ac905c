// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "sim/scenario/key_watch.h"
#include "sim/scenario/once_watch.h"
#include "sim/scenario/search_budget.h"

namespace weft::sim {

/// What must hold on every wire of every run (docs/scenario.md); given each packet that a host or gateway sends.
class Invariants {
 public:
  /// What several nodes of the run have in common. `networks`: some have a local network, so packets between private
  /// addresses are theirs; `nats`: some have a NAT, whose address is then no one node's.
  struct Sharing {
    bool networks = false;
    bool nats = false;
  };
  /// `canary`: bytes that every inner packet carries. `attested`: whether a public address is one that a node reports.
  Invariants(Bytes canary, Sharing sharing, std::function<bool(const IpAddress&)> attested)
      : canary_(std::move(canary)), sharing_(sharing), attested_(std::move(attested)) {}

  void see(Time now, ByteView packet);
  /// As KeyWatch::drawn().
  void drawn(bool server, ByteView bytes) { keys_.drawn(server, bytes); }
  std::uint64_t packets() const { return packets_; }
  /// A sentence for each invariant that was broken, which begins with "invariant NAME:", with how often and the first
  /// packet.
  std::vector<std::string> violations() const;

 private:
  static bool differ_in_ports(ByteView packet);
  struct Breach {
    std::uint64_t count = 0;
    std::string first;
    void note(ByteView packet);
  };

  Bytes canary_;
  Sharing sharing_;
  std::function<bool(const IpAddress&)> attested_;
  std::uint64_t packets_ = 0;
  Breach plaintext_, private_probe_, unattested_, land_, overlay_;
  SearchBudget budget_;
  OnceWatch once_;
  KeyWatch keys_;
};

}  // namespace weft::sim

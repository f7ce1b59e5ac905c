// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::test {

/// Three network namespaces of this kernel and UDP sockets in the outer two:
///
///     10.0.0.1, .2 [inside] --veth-- [gateway: nftables] --veth-- [outside] 192.0.2.1, .2
///
/// The gateway owns 203.0.113.1. Gone with the object.
class KernelGateway {
 public:
  struct Rules {
    std::string masquerade = "masquerade";  // the statement of the postrouting chain
    bool input_accepts = false;             // what happens to unsolicited packets for the gateway itself
  };
  explicit KernelGateway(const Rules& rules);
  ~KernelGateway();
  KernelGateway(const KernelGateway&) = delete;
  KernelGateway& operator=(const KernelGateway&) = delete;

  /// False without the permission or the programs.
  bool ready() const { return ready_; }

  /// How long to wait for a datagram. veth delivers within the sender's system call, so a short time shows a drop; what
  /// is expected gets the time that a busy machine may need.
  enum class Wait : int { short_ms = 20, long_ms = 2000 };
  /// Sends a datagram and returns which socket of the other side got it, and from whom it seemed to be; nullopt if
  /// none.
  std::optional<std::pair<Endpoint, Endpoint>> send_out(const Endpoint& internal, const Endpoint& remote, Wait wait);
  std::optional<std::pair<Endpoint, Endpoint>> send_in(const Endpoint& remote, const Endpoint& external, Wait wait);

 private:
  struct Side {
    std::string name;
    int ns = -1;
    std::map<Endpoint, int> sockets;
  };
  bool run(const std::string& command);
  bool build(const Rules& rules);
  int socket_of(Side& side, const Endpoint& local);
  std::optional<std::pair<Endpoint, Endpoint>> send(Side& from, const Endpoint& source, Side& to,
                                                    const Endpoint& target, Wait wait);
  std::optional<std::pair<Endpoint, Endpoint>> receive(Side& side, std::uint32_t number, Wait wait);

  std::string prefix_;
  Side inside_, outside_;
  std::uint32_t sent_ = 0;
  bool ready_ = false;
};

}  // namespace weft::test

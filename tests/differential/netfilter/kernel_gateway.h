// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::test {

/// Three network namespaces of this kernel and UDP sockets in the outer two, on any address of 10/8 and of 172.16/12:
///
///     10.0.0.0/8 [inside] --veth-- [gateway: nftables] --veth-- [outside] 172.16.0.0/12
///
/// The gateway owns 203.0.113.1. Gone with the object. The calling thread stays on one processor meanwhile, so that
/// packets arrive in the order in which they were sent.
class KernelGateway {
 public:
  /// Statements of nftables' chains, one rule each.
  struct Rules {
    std::vector<std::string> postrouting{"masquerade"};  // of packets that leave to the outside
    std::vector<std::string> prerouting;                 // of packets from outside
    std::vector<std::string> forward;
    std::vector<std::string> sets;  // declarations
    bool input_accepts = false;     // what happens to unsolicited packets for the gateway itself
  };
  explicit KernelGateway(const Rules& rules);
  ~KernelGateway();
  KernelGateway(const KernelGateway&) = delete;
  KernelGateway& operator=(const KernelGateway&) = delete;

  /// False without the permission or the programs.
  bool ready() const { return ready_; }

  /// Sends a datagram and returns which socket of the other side got it, and from whom it seemed to be; nullopt if
  /// none. `expected`: what is expected gets the time that a busy machine may need; a drop shows as soon as a packet
  /// that was sent behind it, past all rules, has arrived.
  std::optional<std::pair<Endpoint, Endpoint>> send_out(const Endpoint& internal, const Endpoint& remote,
                                                        bool expected);
  std::optional<std::pair<Endpoint, Endpoint>> send_in(const Endpoint& remote, const Endpoint& external, bool expected);

  /// Closes all sockets but those of the follow-up packets.
  void close_sockets();
  /// Forgets all flows.
  void flush();

 private:
  struct Side {
    std::string name;
    int ns = -1;
    int follow_up = -1;
    Endpoint follow_up_at;
    std::map<Endpoint, int> sockets;
  };
  using Arrival = std::optional<std::pair<Endpoint, Endpoint>>;
  bool build(const Rules& rules);
  std::string rule_script(const Rules& rules) const;
  int open_socket(Side& side, const Endpoint& local);
  int socket_of(Side& side, const Endpoint& local);
  Arrival send(Side& from, const Endpoint& source, Side& to, const Endpoint& target, bool expected);
  Arrival look(Side& side, std::uint32_t number);
  void wait_for_follow_up(Side& from, Side& to);

  std::string prefix_;
  Side inside_, outside_;
  std::uint32_t sent_ = 0;
  bool ready_ = false;
};

}  // namespace weft::test

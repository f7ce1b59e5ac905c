// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/agent/port_mapping.h"
#include "mesh/path/nat_facts.h"
#include "mesh/portmap/reachability.h"
#include "mesh/relay/dial_back.h"

namespace weft::agent {

/// The agent's UDP port on the gateway of this network: mapped while it is wanted, tried from outside by a relay, and
/// told of only while a relay has come through. Withdrawn when it is dead. The port asked for is the
/// agent's own: a gateway that lets a mapped port's flows leave by the mapping (netfilter with miniupnpd) then lets
/// them leave by the port that it would have kept anyway, so neither making nor losing the mapping moves where peers
/// and a NAT further out see us.
class MappedPort {
 public:
  struct View {
    path::PortMapping state = path::PortMapping::unknown;
    std::optional<Endpoint> endpoint;  // where strangers reach us; only while verified
    portmap::MappingReport report;     // what the gateway says
    std::optional<IpAddress> seen;     // our address as the relay knows it, of the last trial
    std::optional<Time> tried;         // end of the last trial
  };

  /// `port`: that of the agent's IPv4 socket. `dial` asks a relay to send to a port of ours; false: none is connected.
  MappedPort(io::Host& host, std::uint16_t port, std::function<bool(const relay::DialRequest&)> dial,
             std::function<void()> on_change);
  ~MappedPort();

  /// There is a NAT before us. Once wanted, it is wanted until the network changes.
  void want();
  /// The agent's TCP port as well, as soon as a port is wanted at all. Nobody tries it from outside: a few attempts of
  /// peers to connect are all that hangs on it. `on_change`: the external endpoint is another than before.
  void want_stream(std::uint16_t port, std::function<void(std::optional<Endpoint>)> on_change);
  /// Asks the gateway to forget the ports. PCP and NAT-PMP take one datagram, which leaves at once; UPnP takes a
  /// stream, which needs this object and its host for some milliseconds more. Nobody is told of anything any longer.
  void withdraw();
  void network_changed();
  /// A relay has connected, or the last one is gone.
  void set_helper(bool available);
  void handle_dialled(const relay::Dialled& dialled);
  void handle_arrival(const relay::DialToken& token);

  const View& view() const { return view_; }

 private:
  void handle_stream_report(const portmap::MappingReport& report);
  void handle_report(const portmap::MappingReport& report);
  void handle_found(const portmap::ReachabilityFound& found);
  void rebuild();
  void drain();
  Time now() const;

  io::Host& host_;
  std::function<bool(const relay::DialRequest&)> dial_;
  std::function<void()> on_change_;
  portmap::Wish wish_;
  std::optional<portmap::Wish> stream_wish_;
  std::function<void(std::optional<Endpoint>)> on_stream_change_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<PortMapping> mapping_;  // null: not wanted yet, as behind no NAT it never is
  portmap::Reachability reachability_;
  View view_;
  std::optional<Endpoint> reached_;
  bool failed_ = false;      // the last trial on this network did not come through
  bool second_nat_ = false;  // and the gateway's outside is not where the relay sees us
  CoreTimer timer_;
};

}  // namespace weft::agent

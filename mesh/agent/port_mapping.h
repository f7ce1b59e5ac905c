// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "mesh/agent/core_timer.h"
#include "mesh/base/random.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/udp_socket.h"
#include "mesh/portmap/port_mapper.h"

namespace weft::agent {

/// Joins the port mapper to a host: its UDP socket, the streams of UPnP, its timer, and the router of the default
/// route. One for IPv4, one for IPv6.
class PortMapping {
 public:
  explicit PortMapping(io::Host& host, portmap::MapperConfig config = {}, IpFamily family = IpFamily::v4);
  ~PortMapping();

  /// Told of each report that differs from the last one; runs from the event loop or from the calls below. Must not
  /// destroy this.
  std::function<void(const portmap::MappingReport&)> on_change;

  /// Looks for the router (again): at the start, and after each change that the network monitor tells of.
  void handle_network_change();
  /// `suggested`: the external port to ask for first; 0: the internal one.
  void add(const portmap::Wish& wish, std::uint16_t suggested = 0);
  void remove(const portmap::Wish& wish);
  /// Withdraws everything; the requests leave at once, answers are not waited for.
  void remove_all();
  void handle_verified(const Endpoint& external);
  void handle_unreachable(const Endpoint& external);
  std::vector<portmap::MappingReport> reports() const { return mapper_.reports(); }

 private:
  struct Found {
    portmap::Router router;
    std::uint32_t interface_index = 0;
  };
  std::optional<Found> find_router() const;
  void open_socket(const std::optional<portmap::Router>& router);
  void start_exchange(portmap::HttpExchange exchange);
  void drain();
  Time now() const;

  io::Host& host_;
  std::unique_ptr<Random> random_;
  portmap::PortMapper mapper_;
  CoreTimer timer_;
  IpFamily family_;
  std::optional<portmap::Router> router_;
  std::uint32_t interface_index_ = 0;  // where the router is, should its address be link-local
  std::unique_ptr<io::UdpSocket> socket_;
  std::map<std::uint32_t, std::unique_ptr<io::Stream>> streams_;
};

}  // namespace weft::agent

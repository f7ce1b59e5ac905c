// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/io/host.h"
#include "sim/fabric/wire_event.h"

namespace weft::fabric {

class Applications;
class HostMonitor;
class HostNames;
class Network;
class NoTrace;
class SimulatedFiles;
class TcpLayer;
class UdpLayer;
class VirtualClock;
struct PowerCycle;
class Packet;
struct HostOptions;

/// A host of the simulated Internet: io::Host in virtual time. Services run on it as on a real one, and may be
/// destroyed and made again: files survive, sockets and timers do not. Made by Network::add_host.
class FabricHost final : public io::Host {
 public:
  FabricHost(Network& network, NodeId node, const HostOptions& options);
  ~FabricHost() override;

  io::Clock& clock() override;
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler) override;
  void post(std::function<void()> task) override;
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions& options) override;
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override;
  Result<std::unique_ptr<io::StreamListener>> listen(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::StreamPort>> open_stream_port(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::TunDevice>> open_tun(const io::TunOptions& options) override;
  io::Resolver& resolver() override;
  io::NetworkMonitor& network() override;
  io::FileSystem& files() override;
  std::unique_ptr<Random> rng(std::string_view purpose) override;
  Entropy& entropy() override;
  TraceSink& trace() override;

  const std::string& name() const { return name_; }
  NodeId node() const { return node_; }
  /// Of the first interface.
  const std::vector<IpAddress>& addresses() const { return uplinks_.front().addresses; }
  /// One interface. The host prefers the first whose link is up, as if it had the least metric.
  struct Uplink {
    NodeId node = 0;  // its place
    std::string name;
    std::vector<IpAddress> addresses;
  };
  const std::vector<Uplink>& uplinks() const { return uplinks_; }
  Network& internet() { return network_; }
  /// The programs of this host that use the overlay: the other side of its TUN devices (sim/traffic).
  Applications& applications() { return *applications_; }
  SimulatedFiles& simulated_files() { return *files_; }
  /// Sets the error of the wall clock; the monotonic clock does not notice.
  void set_wall_skew(Duration skew);
  /// Steps it, and lets it run `drift_ppm` per million too fast from now on.
  void set_wall_clock(Duration step, std::int32_t drift_ppm);
  /// Asleep, the host hears nothing, and timers and posted tasks wait for resume(); the clocks go on.
  void suspend();
  void resume();
  bool asleep() const;

  /// Pulls the plug: from now on nothing is sent, received or written, posted tasks are forgotten, streams die without
  /// a word, and unsynced data is lost or torn. Destroy the services next, then power_on() and make them again.
  void power_off();
  void power_on();
  bool powered() const { return powered_; }

  /// For the parts of the fabric.
  void set_addresses(std::vector<IpAddress> addresses);
  void add_uplink(Uplink uplink);
  /// The monitor tells on a later turn.
  void tell_change();
  bool owns(const IpAddress& address) const;
  /// The host's own choice of source; nullptr if it has none. `interface`: only of that one; empty: of any.
  const IpAddress* source_for(const IpAddress& destination, std::string_view interface = {}) const;
  /// The interface that has `source`; the first, if none has.
  const Uplink& uplink_of(const IpAddress& source) const;
  bool is_up(const Uplink& uplink) const;
  std::uint16_t ephemeral_port(const std::function<bool(std::uint16_t)>& taken);
  /// Sends a whole IP packet.
  void send_packet(Packet& packet);
  void receive_packet(Packet& packet);
  /// Fetches ahead what receive_packet() will touch (ForeseenEvent), from step 1 on.
  void approach(unsigned step) const;
  /// Runs `task`, which arms or posts and runs no service's code, at resume(). Only while asleep.
  void when_awake(std::function<void()> task);
  UdpLayer& udp() { return *udp_; }
  TcpLayer& tcp() { return *tcp_; }

 private:
  void receive_icmp(Packet& packet);

  Network& network_;
  NodeId node_;
  std::string name_;
  std::vector<Uplink> uplinks_;
  TraceSink* trace_;
  bool powered_ = true;
  std::shared_ptr<PowerCycle> cycle_;  // replaced at each power cycle: tasks posted before are forgotten
  std::map<std::string, std::uint32_t, std::less<>> streams_made_;
  std::unique_ptr<VirtualClock> clock_;
  std::unique_ptr<Random> ports_;
  std::unique_ptr<Entropy> entropy_;
  std::unique_ptr<SimulatedFiles> files_;
  std::unique_ptr<HostNames> resolver_;
  std::unique_ptr<HostMonitor> monitor_;
  std::unique_ptr<NoTrace> no_trace_;
  std::unique_ptr<Applications> applications_;
  std::unique_ptr<UdpLayer> udp_;
  std::unique_ptr<TcpLayer> tcp_;
};

}  // namespace weft::fabric

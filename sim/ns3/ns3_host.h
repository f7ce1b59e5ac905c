// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "mesh/io/host.h"
#include "sim/fabric/wire_event.h"
#include "sim/ns3/port_book.h"

namespace weft::fabric {
class EventLoop;
struct IpView;
class NoTrace;
class SimulatedEntropy;
struct PowerCycle;
class SimulatedFiles;
class VirtualClock;
}  // namespace weft::fabric

namespace weft::tracing {
class Recorder;
}

namespace weft::stack {

class FlowMarks;
class Ns3Monitor;
class Ns3Names;
class Ns3Stream;
class Ns3Tun;
class Ns3UdpSocket;
class WireLog;

struct Ns3HostOptions {
  std::string name;
  TraceSink* trace = nullptr;  // outlives the host; nullptr: nobody listens
  std::uint64_t seed = 1;
  WallTime wall_start{};
  fabric::NodeId number = 0;   // in the trace
  WireLog* log = nullptr;      // outlives the host
  FlowMarks* marks = nullptr;  // nullptr: nobody monitors flows
};

/// A host that is a full ns-3 node: io::Host over ns-3's IPv4, IPv6, UDP and TCP. Services run on it as on a real one
/// and may be destroyed and made again. What ns-3's stack cannot do, and the fabric can: a source address per datagram
/// other than the bound one, ICMP errors that end a TCP connection at once, and sockets that forget a power cut (ns-3's
/// TCP goes on retransmitting to the far end, which then sees a FIN).
class Ns3Host final : public io::Host {
 public:
  Ns3Host(fabric::EventLoop& loop, const Ns3HostOptions& options);
  ~Ns3Host() override;

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

  const std::string& name() const { return options_.name; }
  ns3::Ptr<ns3::Node> node() const { return node_; }
  const std::vector<IpAddress>& addresses() const { return addresses_; }
  const IpAddress& gateway() const { return gateway_; }
  const std::optional<Prefix>& nat64() const { return nat64_; }
  bool owns(const IpAddress& address) const;
  /// What the DNS64 of its network puts IPv4 addresses into; before plug_in().
  void set_nat64(const std::optional<Prefix>& prefix) { nat64_ = prefix; }
  /// Puts `addresses` and the default routes on `device`, the host's end of an access link. `gateway`, unless
  /// unspecified, is what the network monitor names as their next hop. After the first time that monitor tells.
  void plug_in(ns3::Ptr<ns3::NetDevice> device, const std::vector<IpAddress>& addresses, const IpAddress& gateway);
  /// Takes addresses and routes from the device that was plugged in last.
  void unplug();
  /// What the network monitor says of the interface.
  void set_link_up(bool up);
  bool link_up() const { return link_up_; }
  /// Pulls the plug or powers it again: timers, tasks and sockets of before are dead, unsynced data is lost or torn.
  void set_power(bool on);
  bool powered() const { return powered_; }
  /// Asleep, services neither run nor hear; ns-3's own TCP does not know.
  void set_asleep(bool asleep);
  bool asleep() const;
  void set_wall_clock(Duration step, std::int32_t drift_ppm);

  /// Sees every packet that passes a TUN device of this host; `to_host`: written by the service.
  using TunTap = std::function<void(bool to_host, ByteView packet)>;
  void set_tun_tap(TunTap tap) { tun_tap_ = std::move(tap); }
  /// Hears of each device that is made for a TUN.
  void on_tun_device(std::function<void(ns3::Ptr<ns3::NetDevice>)> handler) { on_tun_device_ = std::move(handler); }

  /// For the parts of the host.
  fabric::EventLoop& loop() { return loop_; }
  PortBook& udp_ports() { return udp_ports_; }
  PortBook& tcp_ports() { return tcp_ports_; }
  const TunTap& tun_tap() const { return tun_tap_; }
  fabric::NodeId number() const { return options_.number; }
  FlowMarks* marks() const { return options_.marks; }
  /// nullptr: nobody wants a trace.
  tracing::Recorder* recorder() const;
  void add(Ns3UdpSocket& socket) { udp_sockets_.push_back(&socket); }
  void remove(Ns3UdpSocket& socket) { std::erase(udp_sockets_, &socket); }
  void add(Ns3Stream& stream) { streams_.push_back(&stream); }
  void remove(Ns3Stream& stream) { std::erase(streams_, &stream); }
  /// The device behind a TUN, kept for the next one: ns-3 cannot take a device from a node. Null if the name is in use.
  ns3::Ptr<ns3::NetDevice> take_tun_device(const std::string& name);
  void give_back_tun_device(const std::string& name);
  fabric::SimulatedFiles& simulated_files() { return *files_; }

 private:
  struct TunSlot {
    ns3::Ptr<ns3::NetDevice> device;
    bool in_use = false;
  };
  /// Before ns-3's stack gets a packet: what it and the services do about it has that packet for a cause.
  void precede(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);
  void receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);

  void look_at(ByteView packet);
  void deliver_to_group(const fabric::IpView& ip);
  /// The far end of a connection that is being opened does not want it.
  void refuse(const Endpoint& local, const Endpoint& remote);

  fabric::EventLoop& loop_;
  Ns3HostOptions options_;
  ns3::Ptr<ns3::Node> node_;
  std::vector<IpAddress> addresses_;
  IpAddress gateway_;
  std::optional<Prefix> nat64_;
  ns3::Ptr<ns3::NetDevice> device_;
  bool powered_ = true;
  bool link_up_ = true;
  std::shared_ptr<fabric::PowerCycle> cycle_;  // replaced at each power cycle
  std::map<std::string, std::uint32_t, std::less<>> streams_made_;
  SeededRandom port_random_;
  PortBook udp_ports_, tcp_ports_;
  std::vector<Ns3UdpSocket*> udp_sockets_;
  std::vector<Ns3Stream*> streams_;
  std::map<std::string, TunSlot> tuns_;
  TunTap tun_tap_;
  std::function<void(ns3::Ptr<ns3::NetDevice>)> on_tun_device_;
  std::unique_ptr<fabric::VirtualClock> clock_;
  std::unique_ptr<fabric::SimulatedEntropy> entropy_;
  std::unique_ptr<fabric::SimulatedFiles> files_;
  std::unique_ptr<fabric::NoTrace> no_trace_;
  std::unique_ptr<Ns3Names> resolver_;
  std::unique_ptr<Ns3Monitor> monitor_;
};

}  // namespace weft::stack

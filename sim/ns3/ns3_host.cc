// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_host.h"

#include <ns3/ipv4.h>
#include <ns3/ipv6.h>
#include <ns3/virtual-net-device.h>

#include <algorithm>
#include <utility>

#include "sim/fabric/event_loop.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/host_services.h"
#include "sim/fabric/simulated_files.h"
#include "sim/ns3/cause_tag.h"
#include "sim/ns3/convert.h"
#include "sim/ns3/node.h"
#include "sim/ns3/ns3_listener.h"
#include "sim/ns3/ns3_services.h"
#include "sim/ns3/ns3_stream.h"
#include "sim/ns3/ns3_stream_port.h"
#include "sim/ns3/ns3_tun.h"
#include "sim/ns3/ns3_udp_socket.h"
#include "sim/ns3/wire_log.h"

namespace weft::stack {
namespace {

constexpr std::uint8_t kRst = 0x04;

}  // namespace

Ns3Host::Ns3Host(fabric::EventLoop& loop, const Ns3HostOptions& options)
    : loop_(loop),
      options_(options),
      node_(make_node()),
      cycle_(std::make_shared<fabric::PowerCycle>()),
      port_random_(options.seed, "host/" + options.name + "/ports"),
      udp_ports_(port_random_),
      tcp_ports_(port_random_),
      clock_(std::make_unique<fabric::VirtualClock>(loop, options.wall_start, Duration{0})),
      entropy_(std::make_unique<fabric::SimulatedEntropy>(options.seed, "host/" + options.name + "/entropy")),
      files_(std::make_unique<fabric::SimulatedFiles>(options.seed, options.name)),
      no_trace_(std::make_unique<fabric::NoTrace>()),
      resolver_(std::make_unique<Ns3Names>(*this)),
      monitor_(std::make_unique<Ns3Monitor>(*this)) {}

Ns3Host::~Ns3Host() { cycle_->end(); }

void Ns3Host::plug_in(ns3::Ptr<ns3::NetDevice> device, const std::vector<IpAddress>& addresses,
                      const IpAddress& gateway) {
  const bool first = !device_;
  gateway_ = gateway;
  addresses_ = addresses;
  device_ = device;
  auto ipv4 = node_->GetObject<ns3::Ipv4>();
  auto ipv6 = node_->GetObject<ns3::Ipv6>();
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    node_->RegisterProtocolHandler(ns3::MakeCallback(&Ns3Host::precede, this), protocol, device);
  }
  const std::uint32_t interface4 = ipv4->AddInterface(device);
  const std::uint32_t interface6 = ipv6->AddInterface(device);
  ipv6->SetForwarding(interface6, true);  // a forwarding interface solicits no router
  for (const IpAddress& address : addresses_) add_address(node_, device, address);
  ipv4->SetUp(interface4);
  ipv6->SetUp(interface6);
  add_default_routes(node_, device);
  for (const std::uint16_t protocol : {kEtherIpv4, kEtherIpv6}) {
    node_->RegisterProtocolHandler(ns3::MakeCallback(&Ns3Host::receive, this), protocol, device);
  }
  if (!first) monitor_->changed();
}

void Ns3Host::unplug() {
  remove_device(node_, device_, addresses_);
  addresses_.clear();
}

void Ns3Host::precede(ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, std::uint16_t, const ns3::Address&,
                      const ns3::Address&, ns3::NetDevice::PacketType) {
  if (recorder() != nullptr) loop_.set_cause(cause_of(*packet));
}

tracing::Recorder* Ns3Host::recorder() const { return options_.log == nullptr ? nullptr : options_.log->recorder(); }

/// Beside the stack: ns-3's sockets do not tell which datagram an ICMP error is about, and its TCP takes the RST that
/// refuses a connection for a stray acknowledgement. Its static routing delivers no multicast.
void Ns3Host::receive(ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, std::uint16_t, const ns3::Address&,
                      const ns3::Address&, ns3::NetDevice::PacketType) {
  if (powered_) look_at(bytes_of(*packet));
  loop_.set_cause(0);
}

void Ns3Host::look_at(ByteView packet) {
  const auto ip = fabric::parse_ip(packet);
  if (!ip) return;
  if (ip->protocol == fabric::kTcp && ip->payload.size() >= fabric::kTcpHeader && (ip->payload[13] & kRst)) {
    return refuse({ip->destination, load_u16be(&ip->payload[2])}, {ip->source, load_u16be(&ip->payload[0])});
  }
  if (ip->protocol == fabric::kUdp && ip->destination.is_multicast() && ip->payload.size() >= fabric::kUdpHeader)
    return deliver_to_group(*ip);
  if (ip->protocol != fabric::kIcmp && ip->protocol != fabric::kIcmpV6) return;
  const auto error = fabric::parse_icmp_error(*ip);
  if (!error) return;
  if (error->quoted_protocol == fabric::kTcp) {
    return refuse(error->error.quoted_source, error->error.quoted_destination);
  }
  for (Ns3UdpSocket* socket : udp_sockets_) {
    if (socket->covers(error->error.quoted_source)) return socket->report(error->error);
  }
}

void Ns3Host::deliver_to_group(const fabric::IpView& ip) {
  const Endpoint destination{ip.destination, load_u16be(&ip.payload[2])};
  DatagramMeta meta{.source = {ip.source, load_u16be(&ip.payload[0])}, .destination = destination};
  meta.interface_index = 1;
  meta.ttl = ip.ttl;
  meta.ecn = ip.ecn;
  for (Ns3UdpSocket* socket : udp_sockets_) {
    if (socket->covers(destination)) socket->take(meta, ip.payload.subspan(fabric::kUdpHeader), loop_.cause());
  }
}

void Ns3Host::refuse(const Endpoint& local, const Endpoint& remote) {
  for (Ns3Stream* stream : streams_) {
    if (stream->local_endpoint() == local && stream->remote_endpoint() == remote) return stream->refused();
  }
}

bool Ns3Host::owns(const IpAddress& address) const {
  return address.is_loopback() || std::ranges::find(addresses_, address) != addresses_.end();
}

io::Clock& Ns3Host::clock() { return *clock_; }

std::unique_ptr<io::Timer> Ns3Host::make_timer(std::function<void()> handler) {
  return std::make_unique<fabric::FabricTimer>(loop_, cycle_, std::move(handler));
}

void Ns3Host::post(std::function<void()> task) { fabric::PowerCycle::post(cycle_, loop_, std::move(task)); }

Result<std::unique_ptr<io::UdpSocket>> Ns3Host::open_udp(const io::UdpOptions& options) {
  return Ns3UdpSocket::open(*this, options);
}

std::unique_ptr<io::Stream> Ns3Host::connect(const Endpoint& remote) { return Ns3Stream::connect(*this, remote); }

Result<std::unique_ptr<io::StreamListener>> Ns3Host::listen(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return Ns3Listener::listen(*this, local, std::move(on_accept));
}

Result<std::unique_ptr<io::StreamPort>> Ns3Host::open_stream_port(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return Ns3StreamPort::open(*this, local, std::move(on_accept));
}

Result<std::unique_ptr<io::TunDevice>> Ns3Host::open_tun(const io::TunOptions& options) {
  const auto device = take_tun_device(options.name);
  if (!device) {
    return fail(ErrorCode::io,
                "a network interface named " + options.name + " exists on " + name() + ": choose another name");
  }
  return std::make_unique<Ns3Tun>(*this, options, ns3::DynamicCast<ns3::VirtualNetDevice>(device));
}

ns3::Ptr<ns3::NetDevice> Ns3Host::take_tun_device(const std::string& name) {
  TunSlot& slot = tuns_[name];
  if (slot.in_use) return nullptr;
  slot.in_use = true;
  if (slot.device) return slot.device;
  slot.device = add_virtual_device(node_);
  if (on_tun_device_) on_tun_device_(slot.device);
  return slot.device;
}

void Ns3Host::give_back_tun_device(const std::string& name) { tuns_[name].in_use = false; }

io::Resolver& Ns3Host::resolver() { return *resolver_; }
io::NetworkMonitor& Ns3Host::network() { return *monitor_; }
io::FileSystem& Ns3Host::files() { return *files_; }
Entropy& Ns3Host::entropy() { return *entropy_; }

/// As in the fabric: the n-th time a purpose is asked for gives another stream.
std::unique_ptr<Random> Ns3Host::rng(std::string_view purpose) {
  auto made = streams_made_.find(purpose);
  if (made == streams_made_.end()) made = streams_made_.emplace(std::string(purpose), 0).first;
  const std::string stream = "host/" + name() + "/" + std::string(purpose) + "/" + std::to_string(made->second++);
  return std::make_unique<SeededRandom>(options_.seed, stream);
}

TraceSink& Ns3Host::trace() {
  if (options_.trace != nullptr) return *options_.trace;
  return *no_trace_;
}

void Ns3Host::set_link_up(bool up) {
  if (std::exchange(link_up_, up) != up) monitor_->changed();
}

void Ns3Host::set_asleep(bool asleep) { asleep ? void(cycle_->asleep = true) : cycle_->wake(loop_.now()); }

bool Ns3Host::asleep() const { return cycle_->asleep; }

void Ns3Host::set_wall_clock(Duration step, std::int32_t drift_ppm) {
  clock_->set_skew(clock_->skew() + step, drift_ppm);
}

void Ns3Host::set_power(bool on) {
  if (std::exchange(powered_, on) == on) return;
  if (on) {
    cycle_ = std::make_shared<fabric::PowerCycle>();
    return files_->recover();
  }
  cycle_->end();
  cycle_ = std::make_shared<fabric::PowerCycle>();  // for timers made while the power is off
  cycle_->end();
  for (Ns3UdpSocket* socket : udp_sockets_) socket->power_off();
  for (Ns3Stream* stream : streams_) stream->power_off();
  files_->crash();
}

}  // namespace weft::stack

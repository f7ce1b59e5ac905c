// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/fabric_host.h"

#include <algorithm>
#include <utility>

#include "mesh/io/stream.h"
#include "sim/fabric/applications.h"
#include "sim/fabric/fabric_tun.h"
#include "sim/fabric/foreseen_event.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/host_services.h"
#include "sim/fabric/network.h"
#include "sim/fabric/router.h"
#include "sim/fabric/simulated_files.h"
#include "sim/fabric/tcp_layer.h"
#include "sim/fabric/udp_layer.h"

namespace weft::fabric {
namespace {

constexpr IpAddress kLoopback4 = IpAddress::loopback(IpFamily::v4), kLoopback6 = IpAddress::loopback(IpFamily::v6);
constexpr std::uint16_t kFirstEphemeral = 32'768, kLastEphemeral = 60'999;  // Linux's ip_local_port_range

}  // namespace

FabricHost::FabricHost(Network& network, NodeId node, const HostOptions& options)
    : network_(network),
      node_(node),
      name_(options.name),
      uplinks_{{.node = node, .name = "eth0", .addresses = options.addresses}},
      trace_(options.trace),
      cycle_(std::make_shared<PowerCycle>()),
      clock_(std::make_unique<VirtualClock>(network.loop(), network.wall_start(), options.wall_skew)),
      ports_(std::make_unique<SeededRandom>(network.seed(), "host/" + name_ + "/ports")),
      entropy_(std::make_unique<SimulatedEntropy>(network.seed(), "host/" + name_ + "/entropy")),
      files_(std::make_unique<SimulatedFiles>(network.seed(), name_)),
      resolver_(std::make_unique<HostNames>(*this)),
      monitor_(std::make_unique<HostMonitor>(*this)),
      no_trace_(std::make_unique<NoTrace>()),
      applications_(std::make_unique<Applications>(*this)),
      udp_(std::make_unique<UdpLayer>(*this)),
      tcp_(std::make_unique<TcpLayer>(*this, network.seed())) {}

FabricHost::~FabricHost() { cycle_->end(); }

io::Clock& FabricHost::clock() { return *clock_; }

std::unique_ptr<io::Timer> FabricHost::make_timer(std::function<void()> handler) {
  return std::make_unique<FabricTimer>(network_.loop(), cycle_, std::move(handler));
}

void FabricHost::post(std::function<void()> task) { PowerCycle::post(cycle_, network_.loop(), std::move(task)); }

Result<std::unique_ptr<io::UdpSocket>> FabricHost::open_udp(const io::UdpOptions& options) {
  return udp_->open(options);
}

std::unique_ptr<io::Stream> FabricHost::connect(const Endpoint& remote) { return tcp_->connect(remote); }

Result<std::unique_ptr<io::StreamListener>> FabricHost::listen(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return tcp_->listen(local, std::move(on_accept));
}

Result<std::unique_ptr<io::StreamPort>> FabricHost::open_stream_port(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return tcp_->open_port(local, std::move(on_accept));
}

Result<std::unique_ptr<io::TunDevice>> FabricHost::open_tun(const io::TunOptions& options) {
  auto device = std::make_unique<FabricTun>(*this, options);
  if (!applications_->attach(*device)) {
    return fail(ErrorCode::io,
                "a network interface named " + options.name + " exists on " + name_ + ": choose another name");
  }
  return device;
}

io::Resolver& FabricHost::resolver() { return *resolver_; }
io::NetworkMonitor& FabricHost::network() { return *monitor_; }
io::FileSystem& FabricHost::files() { return *files_; }

/// The n-th time a purpose is asked for gives another stream, so a service started anew does not repeat its draws.
std::unique_ptr<Random> FabricHost::rng(std::string_view purpose) {
  auto made = streams_made_.find(purpose);
  if (made == streams_made_.end()) made = streams_made_.emplace(std::string(purpose), 0).first;
  const std::string stream = "host/" + name_ + "/" + std::string(purpose) + "/" + std::to_string(made->second++);
  return std::make_unique<SeededRandom>(network_.seed(), stream);
}

Entropy& FabricHost::entropy() { return *entropy_; }

TraceSink& FabricHost::trace() { return trace_ != nullptr ? *trace_ : *no_trace_; }

void FabricHost::set_wall_skew(Duration skew) { clock_->set_skew(skew, 0); }

void FabricHost::set_wall_clock(Duration step, std::int32_t drift_ppm) {
  clock_->set_skew(clock_->skew() + step, drift_ppm);
}

bool FabricHost::asleep() const { return cycle_->asleep; }

void FabricHost::suspend() { cycle_->asleep = true; }

void FabricHost::resume() { cycle_->wake(clock_->now()); }

void FabricHost::when_awake(std::function<void()> task) { cycle_->held_back.push_back(std::move(task)); }

void FabricHost::power_off() {
  powered_ = false;
  cycle_->end();
  cycle_ = std::make_shared<PowerCycle>();  // for timers made while the power is off
  cycle_->end();
  udp_->power_off();
  tcp_->power_off();
  files_->crash();
}

void FabricHost::power_on() {
  powered_ = true;
  cycle_ = std::make_shared<PowerCycle>();
  files_->recover();
}

void FabricHost::set_addresses(std::vector<IpAddress> addresses) {
  uplinks_.front().addresses = std::move(addresses);
  tell_change();
}

void FabricHost::add_uplink(Uplink uplink) {
  uplinks_.push_back(std::move(uplink));
  tell_change();
}

void FabricHost::tell_change() { monitor_->changed(); }

bool FabricHost::is_up(const Uplink& uplink) const { return network_.link(uplink.node).up; }

bool FabricHost::owns(const IpAddress& address) const {
  return address.is_loopback() || std::ranges::any_of(uplinks_, [&](const Uplink& uplink) {
           return std::ranges::find(uplink.addresses, address) != uplink.addresses.end();
         });
}

const FabricHost::Uplink& FabricHost::uplink_of(const IpAddress& source) const {
  for (const Uplink& uplink : uplinks_) {
    if (std::ranges::find(uplink.addresses, source) != uplink.addresses.end()) return uplink;
  }
  return uplinks_.front();
}

/// With all links down it is the first interface's: the packet is lost there.
const IpAddress* FabricHost::source_for(const IpAddress& destination, std::string_view interface) const {
  if (destination.is_loopback()) return destination.is_v4() ? &kLoopback4 : &kLoopback6;
  const IpAddress *first = nullptr, *down = nullptr;
  for (const Uplink& uplink : uplinks_) {
    if (!interface.empty() && uplink.name != interface) continue;
    const IpAddress*& choice = uplinks_.size() == 1 || is_up(uplink) ? first : down;
    for (const IpAddress& address : uplink.addresses) {
      if (address == destination) return &address;
      if (choice == nullptr && address.family() == destination.family()) choice = &address;
    }
  }
  return first != nullptr ? first : down;
}

std::uint16_t FabricHost::ephemeral_port(const std::function<bool(std::uint16_t)>& taken) {
  constexpr std::uint32_t kCount = kLastEphemeral - kFirstEphemeral + 1;
  const auto start = static_cast<std::uint32_t>(ports_->below(kCount));
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstEphemeral + (start + i) % kCount);
    if (!taken(port)) return port;
  }
  return kFirstEphemeral;  // all are taken: 28,232 sockets on one host
}

void FabricHost::send_packet(Packet& packet) {
  if (!powered_) return network_.router().drop(packet, node_, DropReason::powered_off);
  if (owns(destination_of(packet.bytes))) return network_.router().send_local(node_, packet);
  network_.router().send(uplinks_.size() == 1 ? node_ : uplink_of(source_of(packet.bytes)).node, packet);
}

void FabricHost::approach(unsigned step) const {
  if (step == 1) return fetch_ahead(this, (sizeof *this + 63) / 64);
  if (step == 2) {
    fetch_ahead(uplinks_.data(), 2);
    fetch_ahead(cycle_.get());
    return fetch_ahead(udp_.get());
  }
  if (step == 3 && !uplinks_.empty()) fetch_ahead(uplinks_.front().addresses.data());
  udp_->approach(step - 3);
}

void FabricHost::receive_packet(Packet& packet) {
  if (!powered_) return network_.router().drop(packet, node_, DropReason::powered_off);
  if (asleep()) return network_.router().drop(packet, node_, DropReason::suspended);
  const auto ip = parse_ip(packet.bytes);
  if (!ip || !transport_checksum_ok(*ip)) return network_.router().drop(packet, node_, DropReason::malformed);
  switch (ip->protocol) {
    case kUdp:
      return udp_->receive(packet, *ip);
    case kTcp:
      return tcp_->receive(packet, *ip);
    default:
      receive_icmp(packet);
      break;
  }
  network_.router().give_back(packet);
}

void FabricHost::receive_icmp(Packet& packet) {
  if (const auto reply = make_echo_reply(packet.bytes)) {
    Packet& answer = network_.router().take();
    answer.bytes.assign(reply->begin(), reply->end());
    return send_packet(answer);
  }
  const auto error = parse_icmp_error(*parse_ip(packet.bytes));
  if (!error) return;
  if (error->quoted_protocol == kUdp) {
    udp_->receive_error(*error);
  } else {
    tcp_->receive_error(*error);
  }
}

}  // namespace weft::fabric

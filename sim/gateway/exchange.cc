// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/exchange.h"

#include <algorithm>
#include <optional>

#include "mesh/base/deadlines.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "sim/fabric/headers.h"
#include "sim/fabric/router_address.h"
#include "sim/gateway/neighbours.h"
#include "sim/gateway/packet_port.h"

namespace weft::gateway {
class Exchange::Impl {
 public:
  Impl(Exchange& owner, host::AsioLoop& loop, io::Host& host, ExchangeOptions options)
      : owner_(owner), loop_(loop), host_(host), options_(std::move(options)) {
    timer_ = host_.make_timer([this] {
      armed_.reset();
      end_batch();
    });
  }

  struct Port {
    Port(std::unique_ptr<PacketPort> given, const ExchangePort& plan_given, std::uint64_t seed)
        : port(std::move(given)),
          plan(plan_given),
          up(seed, "exchange/up/" + plan.interface),
          down(seed, "exchange/down/" + plan.interface),
          neighbours(port->mac()) {
      neighbours.set_addresses({kExchangeAddress, kExchangeAddressV6}, {});
      up.set_shape(plan.up);
      down.set_shape(plan.down);
    }
    std::unique_ptr<PacketPort> port;
    ExchangePort plan;
    DelayLine up, down;
    Neighbours neighbours;  // asked only
  };
  struct Answer {
    std::string interface;
    Bytes frame;
  };

  Time now() const { return host_.clock().now(); }

  Result<void> attach(const ExchangePort& plan) {
    if (ports_.contains(plan.interface))
      return fail(ErrorCode::usage, "interface " + plan.interface + " is plugged in already; detach it first");
    if (plan.region >= options_.ways.size())
      return fail(ErrorCode::usage, "there is no region " + std::to_string(plan.region));
    auto opened = PacketPort::open(loop_, plan.interface);
    if (!opened) return std::unexpected(opened.error());
    auto& port = ports_[plan.interface] = std::make_unique<Port>(std::move(*opened), plan, options_.seed);
    set_addresses(*port, plan.addresses);
    port->port->start([this, at = port.get()](MutableByteView frame) { receive(*at, frame); }, [this] { end_batch(); });
    return {};
  }

  void set_addresses(Port& port, const std::vector<IpAddress>& addresses) {
    std::erase_if(routes_, [&](const auto& route) { return route.second == &port; });
    port.plan.addresses = addresses;
    for (const IpAddress& address : addresses) routes_[address] = &port;
  }

  Port* find(const std::string& interface) {
    const auto found = ports_.find(interface);
    return found == ports_.end() ? nullptr : found->second.get();
  }

  void remove(Port& port) {
    set_addresses(port, {});
    ports_.erase(port.plan.interface);
  }

  void receive(Port& from, MutableByteView frame) {
    if (from.neighbours.handle_frame(now(), frame)) {
      while (auto answer = from.neighbours.poll_transmit()) from.port->send(std::move(*answer));
      return;
    }
    const std::uint16_t type = ether_type(frame);
    const ByteView ip = frame.subspan(kIpAt);
    const std::size_t length = ip_length(ip, type);
    const auto offload = read_vnet(frame);
    if (length == 0 || !offload) {
      ++counters_.malformed;
      return;
    }
    segment(ip.first(length), *offload, [&](ByteView piece) {
      if (owner_.on_packet) owner_.on_packet(piece);
      if (from.up.idle()) return cross(from, make_frame(piece));
      from.up.put(now(), make_frame(piece));
    });
  }

  /// From the access link of the sender into the way between regions.
  void cross(Port& from, Bytes frame) {
    const MutableByteView ip = MutableByteView(frame).subspan(kIpAt);
    const auto found = routes_.find(fabric::destination_of(ip));
    if (found == routes_.end()) {
      ++counters_.no_route;
      return answer(from, ip, fabric::IcmpReason::no_route, Duration{0}, 1);
    }
    Port& to = *found->second;
    const RegionWay& way = options_.ways[from.plan.region][to.plan.region];
    if (way.cut) {
      ++counters_.cut;
      return;
    }
    if (const std::uint8_t ttl = fabric::ttl_of(ip); ttl <= options_.hops) {
      ++counters_.ttl_expired;
      return answer(from, ip, fabric::IcmpReason::time_exceeded, 2 * way.delay * ttl / options_.hops, ttl);
    }
    fabric::decrement_ttl(ip, options_.hops);
    count(from, to, ip.size());
    DelayLine& line = way_line(from.plan.region, to.plan.region, way);
    if (line.idle()) return enter(to, std::move(frame));
    line.put(now(), std::move(frame));
  }

  void count(const Port& from, const Port& to, std::size_t size) {
    ExchangeFlow& flow = flows_[{from.plan.interface, to.plan.interface}];
    ++flow.packets;
    flow.bytes += size;
    if (options_.large == 0 || size < options_.large) return;
    if (flow.large++ == 0) flow.first_large = now();
  }

  /// An ICMP error comes back to the sender after `travelled`; its own access link is not asked for again.
  void answer(const Port& from, ByteView ip, fabric::IcmpReason reason, Duration travelled, std::uint8_t hop) {
    const IpFamily family = fabric::destination_of(ip).family();
    auto error = fabric::make_icmp_error(fabric::router_address(family, from.plan.region, hop), ip, reason);
    if (!error) return;
    answers_.emplace(now() + travelled + from.plan.down.delay, Answer{from.plan.interface, make_frame(*error)});
  }

  DelayLine& way_line(std::uint16_t from, std::uint16_t to, const RegionWay& way) {
    const auto key = std::pair(from, to);
    auto found = lines_.find(key);
    if (found == lines_.end()) {
      found = lines_.try_emplace(key, options_.seed, "exchange/way/" + std::to_string(from) + "/" + std::to_string(to))
                  .first;
    }
    found->second.set_shape({.delay = way.delay, .loss_ppm = way.loss_ppm});
    return found->second;
  }

  /// Into the access link of the receiver.
  void enter(Port& to, Bytes frame) {
    if (to.down.idle()) return transmit(to, std::move(frame));
    to.down.put(now(), std::move(frame));
  }

  void transmit(Port& to, Bytes frame) {
    write_vnet(frame, {});
    write_ethernet(frame, to.plan.mac, to.port->mac(), frame[kIpAt] >> 4 == 4 ? kEtherTypeV4 : kEtherTypeV6);
    to.port->send(std::move(frame));
  }

  /// What has come to the end of a line goes into the next one.
  void release() {
    for (auto& [name, port] : ports_) {
      while (auto frame = port->up.take(now())) cross(*port, std::move(*frame));
    }
    for (auto& [regions, line] : lines_) {
      while (auto frame = line.take(now())) {
        const auto found = routes_.find(fabric::destination_of(ByteView(*frame).subspan(kIpAt)));
        if (found != routes_.end()) enter(*found->second, std::move(*frame));
      }
    }
    for (auto& [name, port] : ports_) {
      while (auto frame = port->down.take(now())) transmit(*port, std::move(*frame));
    }
    while (!answers_.empty() && answers_.begin()->first <= now()) {
      Answer answer = std::move(answers_.begin()->second);
      answers_.erase(answers_.begin());
      if (Port* port = find(answer.interface)) transmit(*port, std::move(answer.frame));
    }
  }

  void end_batch() {
    release();
    std::optional<Time> next;
    for (auto& [name, port] : ports_) {
      port->port->flush();
      next = earlier(next, earlier(port->up.next_deadline(), port->down.next_deadline()));
    }
    for (auto& [regions, line] : lines_) next = earlier(next, line.next_deadline());
    if (!answers_.empty()) next = earlier(next, answers_.begin()->first);
    if (next == armed_) return;
    armed_ = next;
    next ? timer_->arm(*next) : timer_->cancel();
  }

  ExchangeCounters counters() const {
    ExchangeCounters all = counters_;
    const auto add = [&](const DelayLine& line) {
      all.lost += line.counters().lost;
      all.overflowed += line.counters().overflowed;
    };
    for (const auto& [name, port] : ports_) {
      add(port->up);
      add(port->down);
    }
    for (const auto& [regions, line] : lines_) add(line);
    return all;
  }

  Exchange& owner_;
  host::AsioLoop& loop_;
  io::Host& host_;
  ExchangeOptions options_;
  std::map<std::string, std::unique_ptr<Port>> ports_;
  std::map<IpAddress, Port*> routes_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, DelayLine> lines_;
  std::multimap<Time, Answer> answers_;
  std::map<std::pair<std::string, std::string>, ExchangeFlow> flows_;
  ExchangeCounters counters_;
  std::unique_ptr<io::Timer> timer_;
  std::optional<Time> armed_;
};

namespace {

std::unexpected<Error> nothing_at(const std::string& interface) {
  return fail(ErrorCode::usage, "nothing is plugged in at interface " + interface);
}

}  // namespace

Exchange::Exchange(host::AsioLoop& loop, io::Host& host, ExchangeOptions options)
    : impl_(std::make_unique<Impl>(*this, loop, host, std::move(options))) {}
Exchange::~Exchange() = default;

Result<void> Exchange::attach(const ExchangePort& port) { return impl_->attach(port); }

Result<void> Exchange::detach(const std::string& interface) {
  Impl::Port* port = impl_->find(interface);
  if (port == nullptr) return nothing_at(interface);
  impl_->remove(*port);
  return {};
}

Result<void> Exchange::set_link(const std::string& interface, const LinkShape& up, const LinkShape& down) {
  Impl::Port* port = impl_->find(interface);
  if (port == nullptr) return nothing_at(interface);
  port->up.set_shape(up);
  port->down.set_shape(down);
  port->plan.up = up;
  port->plan.down = down;
  return {};
}

Result<void> Exchange::set_addresses(const std::string& interface, const std::vector<IpAddress>& addresses) {
  Impl::Port* port = impl_->find(interface);
  if (port == nullptr) return nothing_at(interface);
  impl_->set_addresses(*port, addresses);
  return {};
}

Result<void> Exchange::set_way(std::uint16_t from, std::uint16_t to, const RegionWay& way) {
  auto& ways = impl_->options_.ways;
  if (from >= ways.size() || to >= ways.size())
    return fail(ErrorCode::usage, "there is no way from region " + std::to_string(from) + " to " + std::to_string(to));
  ways[from][to] = way;
  return {};
}

const std::map<std::pair<std::string, std::string>, ExchangeFlow>& Exchange::flows() const { return impl_->flows_; }
ExchangeCounters Exchange::counters() const { return impl_->counters(); }

}  // namespace weft::gateway

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/gateway.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "mesh/base/deadlines.h"
#include "mesh/base/ipv4_fragments.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/timer.h"
#include "sim/gateway/neighbours.h"
#include "sim/gateway/pcap_file.h"
#include "sim/nat/icmp.h"
#include "sim/nat/packet.h"

namespace weft::gateway {
namespace {

using nat::Side;

Side other(Side side) { return side == Side::inside ? Side::outside : Side::inside; }

std::vector<IpAddress> addresses_of(const std::vector<Prefix>& external) {
  std::vector<IpAddress> out;
  for (const Prefix& each : external) out.push_back(each.address);
  return out;
}

std::vector<IpAddress> kernel_addresses(io::Host& host, std::uint32_t index) {
  std::vector<IpAddress> out;
  for (const io::NetworkInterface& interface : host.network().interfaces()) {
    if (interface.index != index) continue;
    for (const Prefix& each : interface.addresses) out.push_back(each.address);
  }
  return out;
}

IpAddress destination_of(ByteView ip) {
  return ip[0] >> 4 == 4 ? *IpAddress::from_bytes(ip.subspan(16, 4)) : *IpAddress::from_bytes(ip.subspan(24, 16));
}

bool may_be_cut(ByteView ip) { return ip[0] >> 4 == 4 && (ip[6] & 0x40) == 0; }

}  // namespace

class Gateway::Impl {
 public:
  Impl(io::Host& host, GatewayOptions options, std::unique_ptr<PacketPort> inside, std::unique_ptr<PacketPort> outside)
      : host_(host),
        options_(std::move(options)),
        inside_(std::move(inside), "inside"),
        outside_(std::move(outside), "outside"),
        up_(options_.seed, "gateway/up"),
        down_(options_.seed, "gateway/down"),
        random_(options_.seed, "gateway/nat") {}

  Result<void> start();
  Result<void> set_external(std::vector<Prefix> external);

  void receive(Side from, MutableByteView frame);
  void forward(Side from, MutableByteView frame, const PacketOffload& offload);
  void emit(Side to, MutableByteView frame, const PacketOffload& offload);
  void emit_packet(Side to, Bytes frame);
  void refuse_too_big(Side from, MutableByteView ip, std::size_t mtu);
  void transmit(Side to, MutableByteView frame, const PacketOffload& offload);
  bool resolve(Side to, MutableByteView frame);
  void release();
  void end_batch();
  void handle_timeout();
  Time now() const { return host_.clock().now(); }

  struct Place {
    Place(std::unique_ptr<PacketPort> given, std::string_view text)
        : port(std::move(given)), name(text), neighbours(port->mac()) {}
    std::unique_ptr<PacketPort> port;
    std::string name;
    Neighbours neighbours;
    std::optional<PcapFile> pcap;
    std::vector<IpAddress> kernel;  // packets to these are the kernel's business
    std::size_t mtu = 1500;
  };
  Place& place(Side side) { return side == Side::inside ? inside_ : outside_; }
  const IpAddress* next_hop(Side to, const IpAddress& destination) const;

  io::Host& host_;
  GatewayOptions options_;
  Place inside_, outside_;
  DelayLine up_, down_;
  SeededRandom random_;
  std::unique_ptr<nat::Nat> nat_;
  std::vector<IpAddress> inside_addresses_;
  std::unique_ptr<io::Timer> timer_;
  std::optional<Time> armed_;
  std::deque<Bytes> released_;  // from the delay line, or cut, until they are flushed
  GatewayCounters counters_;
};

Result<void> Gateway::Impl::set_external(std::vector<Prefix> external) {
  const bool nat64 = options_.behavior.translation == nat::Translation::nat64;
  const bool has_v4 = std::ranges::any_of(external, [](const Prefix& each) { return each.address.is_v4(); });
  if (nat64 ? !has_v4 : options_.behavior.translation == nat::Translation::nat && external.empty()) {
    return fail(ErrorCode::usage, "the model " + options_.behavior.name +
                                      " translates and needs an address outside; give it with --external ADDR/LENGTH");
  }
  const auto kernel = kernel_addresses(host_, outside_.port->index());
  for (const Prefix& each : external) {
    if (std::ranges::find(kernel, each.address) == kernel.end()) continue;
    const std::string address = each.address.to_string();
    return fail(ErrorCode::usage,
                address + " on " + options_.outside +
                    " is the kernel's, which would answer in the gateway's place; remove it (ip address flush dev " +
                    options_.outside + ")");
  }
  outside_.neighbours.set_addresses(addresses_of(external), {});
  options_.external = std::move(external);
  return {};
}

Result<void> Gateway::Impl::start() {
  inside_.kernel = kernel_addresses(host_, inside_.port->index());
  inside_.neighbours.set_addresses(options_.inside_addresses, inside_.kernel);
  inside_addresses_ = inside_.kernel;
  inside_addresses_.insert(inside_addresses_.begin(), options_.inside_addresses.begin(),
                           options_.inside_addresses.end());
  if (auto done = set_external(options_.external); !done) return done;
  for (Place* each : {&inside_, &outside_}) {
    each->mtu = each->port->mtu();
    if (options_.pcap.empty()) continue;
    auto file = PcapFile::create(options_.pcap + "-" + each->name + ".pcap");
    if (!file) return std::unexpected(file.error());
    each->pcap = std::move(*file);
  }
  nat_ = std::make_unique<nat::Nat>(options_.behavior, addresses_of(options_.external), random_);
  if (!inside_addresses_.empty()) nat_->set_inside_address(inside_addresses_.front());
  if (options_.proxy_address) nat_->set_proxy_address(*options_.proxy_address);
  up_.set_shape(options_.up);
  down_.set_shape(options_.down);
  timer_ = host_.make_timer([this] { handle_timeout(); });
  for (const Side side : {Side::inside, Side::outside}) {
    place(side).port->start([this, side](MutableByteView frame) { receive(side, frame); }, [this] { end_batch(); });
  }
  return {};
}

void Gateway::Impl::receive(Side from, MutableByteView frame) {
  Place& at = place(from);
  if (at.pcap) at.pcap->write(host_.clock().wall_now(), frame.subspan(kVnetSize));
  if (at.neighbours.handle_frame(now(), frame)) return;
  const std::uint16_t type = ether_type(frame);
  if (type != kEtherTypeV4 && type != kEtherTypeV6) return;
  if (!std::ranges::equal(frame.subspan(kVnetSize, 6), at.port->mac())) return;  // others' frames, and groups
  const std::size_t length = ip_length(frame.subspan(kIpAt), type);
  const auto offload = read_vnet(frame);
  if (length == 0 || !offload) {
    ++counters_.malformed;
    return;
  }
  const MutableByteView whole = frame.first(kIpAt + length);
  const IpAddress destination = destination_of(whole.subspan(kIpAt));
  if (destination.is_link_local() || std::ranges::find(at.kernel, destination) != at.kernel.end()) return;
  if (from == Side::inside || down_.idle()) return forward(from, whole, *offload);
  segment(whole.subspan(kIpAt), *offload, [this](ByteView piece) { down_.put(now(), make_frame(piece)); });
}

void Gateway::Impl::refuse_too_big(Side from, MutableByteView ip, std::size_t mtu) {
  const auto packet = nat::parse_network_header(ip);
  if (!packet || packet->icmp == nat::IcmpKind::error) return;
  const auto& own = from == Side::inside ? inside_addresses_ : nat_->external();
  const auto reporter = std::ranges::find(own, packet->source.address.family(), &IpAddress::family);
  if (reporter == own.end()) return;
  emit_packet(from, make_frame(nat::packet_too_big(*packet, *reporter, static_cast<std::uint32_t>(mtu))));
}

/// The NAT between the two interfaces.
void Gateway::Impl::forward(Side from, MutableByteView frame, const PacketOffload& offload) {
  const MutableByteView ip = frame.subspan(kIpAt);
  const bool nat64 = options_.behavior.translation == nat::Translation::nat64;
  if (nat64 && (offload.needs_checksum || offload.segmentation != PacketOffload::Segmentation::none)) {
    // What gets a header of the other IP version cannot stay unfinished.
    segment(ip, offload, [&](ByteView whole) {
      released_.push_back(make_frame(whole));
      forward(from, released_.back(), {});
    });
    return;
  }
  // An IPv6 header is that much longer.
  const std::size_t mtu = place(other(from)).mtu - (nat64 && from == Side::outside ? 20 : 0);
  const bool too_big = wire_size(ip, offload) > mtu;
  if (too_big) {
    ++counters_.too_big;
    if (!may_be_cut(ip)) return refuse_too_big(from, ip, mtu);
  }
  nat::Outcome outcome = nat_->translate(now(), from, ip);
  if (outcome.reply) emit_packet(from, make_frame(*outcome.reply));
  if (!outcome.forwarded()) return;
  const Side to = outcome.action == nat::Outcome::Action::forward_out ? Side::outside : Side::inside;
  for (const Bytes& packet : outcome.packets) emit_packet(to, make_frame(packet));
  if (!outcome.packets.empty()) return;
  restore_partial_checksum(ip, offload);
  if (!too_big) return emit(to, frame, offload);
  segment(ip, offload, [&](ByteView whole) {
    fragment_v4(whole, mtu, [&](ByteView piece) { emit_packet(to, make_frame(piece)); });
  });
}

/// A frame whose memory stays until the end of the batch.
void Gateway::Impl::emit(Side to, MutableByteView frame, const PacketOffload& offload) {
  if (to == Side::inside || up_.idle()) return transmit(to, frame, offload);
  segment(frame.subspan(kIpAt), offload, [this](ByteView piece) { up_.put(now(), make_frame(piece)); });
}

void Gateway::Impl::emit_packet(Side to, Bytes frame) {
  if (to == Side::outside && !up_.idle()) return up_.put(now(), std::move(frame));
  write_vnet(frame, {});
  if (resolve(to, frame)) place(to).port->send(std::move(frame));
}

const IpAddress* Gateway::Impl::next_hop(Side to, const IpAddress& destination) const {
  if (to == Side::inside) return &destination;
  for (const Prefix& each : options_.external) {
    if (each.length < each.address.bit_length() && each.masked().contains(destination)) return &destination;
  }
  const auto via = std::ranges::find(options_.via, destination.family(), &IpAddress::family);
  return via == options_.via.end() ? &destination : &*via;
}

/// Writes the Ethernet header; false if the frame has to wait for its next hop, and a copy does.
bool Gateway::Impl::resolve(Side to, MutableByteView frame) {
  Place& at = place(to);
  const IpAddress destination = destination_of(frame.subspan(kIpAt));
  const IpAddress& hop = *next_hop(to, destination);
  const auto mac = at.neighbours.find(now(), hop);
  write_ethernet(frame, mac.value_or(Mac{}), at.port->mac(), destination.is_v4() ? kEtherTypeV4 : kEtherTypeV6);
  if (mac) {
    if (at.pcap) at.pcap->write(host_.clock().wall_now(), frame.subspan(kVnetSize));
    return true;
  }
  ++counters_.no_neighbour;
  at.neighbours.hold(now(), hop, to_bytes(frame));
  return false;
}

void Gateway::Impl::transmit(Side to, MutableByteView frame, const PacketOffload& offload) {
  write_vnet(frame, offload);
  if (resolve(to, frame)) place(to).port->send(frame);
}

/// What has come to the end of a delay line.
void Gateway::Impl::release() {
  while (auto frame = up_.take(now())) {
    write_vnet(*frame, {});
    if (resolve(Side::outside, *frame)) outside_.port->send(std::move(*frame));
  }
  while (auto frame = down_.take(now())) {
    released_.push_back(std::move(*frame));
    forward(Side::outside, released_.back(), {});
  }
}

void Gateway::Impl::end_batch() {
  release();
  while (const auto packet = nat_->poll_transmit(now())) emit_packet(Side::outside, make_frame(*packet));
  std::optional<Time> next = earlier(earlier(up_.next_deadline(), down_.next_deadline()), nat_->next_deadline());
  for (Place* each : {&inside_, &outside_}) {
    while (auto frame = each->neighbours.poll_transmit()) {
      if (each->pcap) each->pcap->write(host_.clock().wall_now(), ByteView(*frame).subspan(kVnetSize));
      each->port->send(std::move(*frame));
    }
    each->port->flush();
    next = earlier(next, each->neighbours.next_deadline());
  }
  released_.clear();
  if (next == armed_) return;
  armed_ = next;
  next ? timer_->arm(*next) : timer_->cancel();
}

void Gateway::Impl::handle_timeout() {
  armed_.reset();
  for (Place* each : {&inside_, &outside_}) {
    each->neighbours.handle_timeout(now());
    each->mtu = each->port->mtu();
    if (each->pcap) each->pcap->flush();
  }
  end_batch();
}

Result<std::unique_ptr<Gateway>> Gateway::start(host::AsioLoop& loop, io::Host& host, GatewayOptions options) {
  if (options.inside == options.outside) {
    return fail(ErrorCode::usage,
                "--inside and --outside are both " + options.inside + "; a gateway stands between two interfaces");
  }
  auto inside = PacketPort::open(loop, options.inside);
  if (!inside) return std::unexpected(inside.error());
  auto outside = PacketPort::open(loop, options.outside);
  if (!outside) return std::unexpected(outside.error());
  auto impl = std::make_unique<Impl>(host, std::move(options), std::move(*inside), std::move(*outside));
  if (auto done = impl->start(); !done) return std::unexpected(done.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

nat::Nat& Gateway::nat() { return *impl_->nat_; }
std::uint32_t Gateway::inside_index() const { return impl_->inside_.port->index(); }
const std::vector<IpAddress>& Gateway::inside_addresses() const { return impl_->inside_addresses_; }
const std::vector<Prefix>& Gateway::external() const { return impl_->options_.external; }
const LinkShape& Gateway::up() const { return impl_->up_.shape(); }
const LinkShape& Gateway::down() const { return impl_->down_.shape(); }

void Gateway::set_link(const LinkShape& up, const LinkShape& down) {
  impl_->up_.set_shape(up);
  impl_->down_.set_shape(down);
}

void Gateway::tell_neighbour(Side side, const IpAddress& address, const Mac& mac) {
  impl_->place(side).neighbours.tell(address, mac);
}

Result<void> Gateway::restart(std::optional<std::vector<Prefix>> external) {
  if (!external) {
    impl_->nat_->restart();
    return {};
  }
  const auto addresses = addresses_of(*external);
  if (auto done = impl_->set_external(*std::move(external)); !done) return done;
  impl_->nat_->restart(addresses);
  return {};
}

GatewayCounters Gateway::counters() {
  GatewayCounters counters = impl_->counters_;
  counters.inside = impl_->inside_.port->counters();
  counters.outside = impl_->outside_.port->counters();
  counters.up = impl_->up_.counters();
  counters.down = impl_->down_.counters();
  return counters;
}

}  // namespace weft::gateway

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/neighbours.h"

#include <algorithm>
#include <utility>

#include "mesh/base/deadlines.h"
#include "mesh/base/internet_checksum.h"

namespace weft::gateway {
namespace {

constexpr Duration kFresh = 60s, kStale = 30s, kAskEvery = 1s;
constexpr Time kForever = Time::max();
constexpr int kAsks = 3;
constexpr std::size_t kHeldFrames = 32;
constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kArpSize = 28;
constexpr std::uint16_t kArpRequest = 1, kArpReply = 2;
constexpr std::uint8_t kIcmpV6 = 58, kSolicitation = 135, kAdvertisement = 136;
constexpr std::uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2;

Mac to_mac(ByteView bytes) {
  Mac mac{};
  std::copy_n(bytes.begin(), mac.size(), mac.begin());
  return mac;
}

Bytes arp_frame(std::uint16_t operation, const Mac& own, const IpAddress& own_ip, const Mac& to,
                const IpAddress& to_ip) {
  Writer writer;
  writer.zeros(kVnetSize).bytes(operation == kArpRequest ? kBroadcast : to).bytes(own).u16be(kEtherTypeArp);
  writer.u16be(1).u16be(kEtherTypeV4).u8(6).u8(4).u16be(operation);
  writer.bytes(own).bytes(own_ip.bytes()).bytes(operation == kArpRequest ? Mac{} : to).bytes(to_ip.bytes());
  return writer.take();
}

IpAddress solicited_node(const IpAddress& target) {
  std::array<std::uint8_t, 16> bytes = {0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF};
  std::copy_n(target.bytes().begin() + 13, 3, bytes.begin() + 13);
  return IpAddress::v6(bytes);
}

Mac multicast_mac(const IpAddress& group) {
  const ByteView bytes = group.bytes();
  return {0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]};
}

/// An ICMPv6 message of Neighbour Discovery: flags, target, one option with our link address.
Bytes discovery_frame(std::uint8_t type, std::uint32_t flags, const IpAddress& target, const IpAddress& from,
                      const IpAddress& to, const Mac& own, const Mac& to_mac) {
  Writer icmp;
  icmp.u8(type).u8(0).u16be(0).u32be(flags).bytes(target.bytes());
  icmp.u8(type == kSolicitation ? kSourceLinkAddress : kTargetLinkAddress).u8(1).bytes(own);
  Writer writer;
  writer.zeros(kVnetSize).bytes(to_mac).bytes(own).u16be(kEtherTypeV6);
  writer.u32be(0x60000000).u16be(static_cast<std::uint16_t>(icmp.size())).u8(kIcmpV6).u8(255);
  writer.bytes(from.bytes()).bytes(to.bytes());
  const ByteView addresses = writer.view().subspan(kIpAt + 8, 32);
  const auto sum = ones_sum(icmp.view(), pseudo_header_sum(addresses, kIcmpV6, icmp.size()));
  icmp.patch_u16be(2, static_cast<std::uint16_t>(~sum));
  return writer.bytes(icmp.view()).take();
}

/// The link address in an option of `type`; empty if there is none (RFC 4861 §4.6.1).
ByteView link_address(ByteView options, std::uint8_t type) {
  while (options.size() >= 8) {
    const std::size_t length = std::size_t{options[1]} * 8;
    if (length == 0 || length > options.size()) break;
    if (options[0] == type) return options.subspan(2, 6);
    options = options.subspan(length);
  }
  return {};
}

}  // namespace

void Neighbours::set_addresses(std::vector<IpAddress> ours, std::vector<IpAddress> borrowed) {
  ours_ = std::move(ours);
  borrowed_ = std::move(borrowed);
}

void Neighbours::tell(const IpAddress& address, const Mac& mac) {
  entries_[address] = {mac, kForever, kForever, Time{}};
}

bool Neighbours::answers_for(const IpAddress& address) const {
  return std::ranges::find(ours_, address) != ours_.end();
}

IpAddress Neighbours::source_for(const IpAddress& target) const {
  for (const auto* list : {&ours_, &borrowed_}) {
    const auto found = std::ranges::find(*list, target.family(), &IpAddress::family);
    if (found != list->end()) return *found;
  }
  return IpAddress::any(target.family());
}

bool Neighbours::handle_frame(Time now, ByteView frame) {
  const std::uint16_t type = ether_type(frame);
  if (type == kEtherTypeArp) {
    if (frame.size() >= kIpAt + kArpSize) handle_arp(now, frame.subspan(kIpAt, kArpSize));
    return true;
  }
  return type == kEtherTypeV6 && handle_discovery(now, frame.subspan(kIpAt));
}

void Neighbours::handle_arp(Time now, ByteView arp) {
  if (load_u16be(&arp[0]) != 1 || load_u16be(&arp[2]) != kEtherTypeV4 || arp[4] != 6 || arp[5] != 4) return;
  const std::uint16_t operation = load_u16be(&arp[6]);
  const ByteView mac = arp.subspan(8, 6);
  const IpAddress sender = *IpAddress::from_bytes(arp.subspan(14, 4));
  const IpAddress target = *IpAddress::from_bytes(arp.subspan(24, 4));
  if (!sender.is_unspecified()) learn(now, sender, mac);
  if (operation == kArpRequest && answers_for(target)) {
    out_.push_back(arp_frame(kArpReply, own_, target, to_mac(mac), sender));
  }
}

bool Neighbours::handle_discovery(Time now, ByteView ip) {
  if (ip.size() < 48 || ip[6] != kIcmpV6 || ip[40] < 133 || ip[40] > 137) return false;
  const std::uint8_t type = ip[40];
  const bool sound = ip[7] == 255 && ip.size() >= 64 &&
                     ones_sum(ip.subspan(40), pseudo_header_sum(ip.subspan(8, 32), kIcmpV6, ip.size() - 40)) == 0xFFFF;
  if (!sound) return true;
  const IpAddress source = *IpAddress::from_bytes(ip.subspan(8, 16));
  const IpAddress target = *IpAddress::from_bytes(ip.subspan(48, 16));
  if (type == kSolicitation) {
    const ByteView mac = link_address(ip.subspan(64), kSourceLinkAddress);
    if (!mac.empty() && !source.is_unspecified()) learn(now, source, mac);
    if (!answers_for(target)) return true;
    if (source.is_unspecified()) {  // somebody asks whether the address is taken
      const IpAddress all_nodes = *IpAddress::parse("ff02::1");
      advertise(target, all_nodes, multicast_mac(all_nodes), false);
    } else if (const auto known = find(now, source)) {
      advertise(target, source, *known, true);
    }
  } else if (type == kAdvertisement) {
    const ByteView mac = link_address(ip.subspan(64), kTargetLinkAddress);
    if (!mac.empty()) learn(now, target, mac);
  }
  return true;
}

void Neighbours::advertise(const IpAddress& target, const IpAddress& to, const Mac& to_mac, bool solicited) {
  const std::uint32_t flags = 0x80000000u | (solicited ? 0x40000000u : 0) | 0x20000000u;  // router, solicited, override
  out_.push_back(discovery_frame(kAdvertisement, flags, target, target, to, own_, to_mac));
}

void Neighbours::request(const IpAddress& address) {
  const IpAddress from = source_for(address);
  if (address.is_v4()) {
    out_.push_back(arp_frame(kArpRequest, own_, from, {}, address));
  } else if (!from.is_unspecified()) {
    const IpAddress group = solicited_node(address);
    out_.push_back(discovery_frame(kSolicitation, 0, address, from, group, own_, multicast_mac(group)));
  }
}

void Neighbours::learn(Time now, const IpAddress& address, ByteView mac) {
  if ((mac[0] & 1) != 0) return;  // a group is no neighbour
  if (entries_.size() >= kMaxEntries && !entries_.contains(address)) {
    std::erase_if(entries_, [&](const auto& each) { return each.second.usable_until <= now; });
    if (entries_.size() >= kMaxEntries) return;
  }
  Entry& entry = entries_[address];
  if (entry.usable_until == kForever) return;
  entry = {to_mac(mac), now + kFresh, now + kFresh + kStale, now};
  const auto waiting = waiting_.find(address);
  if (waiting == waiting_.end()) return;
  for (Bytes& frame : waiting->second.frames) {
    write_ethernet(frame, to_mac(mac), own_, ether_type(frame));
    out_.push_back(std::move(frame));
  }
  waiting_.erase(waiting);
}

std::optional<Mac> Neighbours::find(Time now, const IpAddress& address) {
  const auto found = entries_.find(address);
  if (found == entries_.end() || found->second.usable_until <= now) return std::nullopt;
  Entry& entry = found->second;
  if (entry.fresh_until <= now && entry.asked + kAskEvery <= now) {
    entry.asked = now;
    request(address);
  }
  return entry.mac;
}

void Neighbours::hold(Time now, const IpAddress& address, Bytes frame) {
  Waiting& waiting = waiting_[address];
  if (waiting.frames.size() < kHeldFrames) waiting.frames.push_back(std::move(frame));
  if (waiting.asked > 0) return;
  waiting.asked = 1;
  waiting.next = now + kAskEvery;
  request(address);
}

void Neighbours::handle_timeout(Time now) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Waiting& waiting = at->second;
    if (waiting.next > now) {
      ++at;
    } else if (waiting.asked == kAsks) {
      at = waiting_.erase(at);
    } else {
      ++waiting.asked;
      waiting.next = now + kAskEvery;
      request(at->first);
      ++at;
    }
  }
}

std::optional<Bytes> Neighbours::poll_transmit() {
  if (out_.empty()) return std::nullopt;
  Bytes frame = std::move(out_.front());
  out_.pop_front();
  return frame;
}

std::optional<Time> Neighbours::next_deadline() const {
  std::optional<Time> first;
  for (const auto& [address, waiting] : waiting_) first = earlier(first, waiting.next);
  return first;
}

}  // namespace weft::gateway

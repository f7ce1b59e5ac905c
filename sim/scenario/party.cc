// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/party.h"

#include "mesh/base/nat64.h"
#include "sim/fabric/headers.h"

namespace weft::sim {
namespace {

using fabric::IpView;

Bytes udp_packet(const Endpoint& source, const Endpoint& destination) {
  const std::size_t header = fabric::ip_header_size(source.address.family());
  Bytes packet(header + fabric::kUdpHeader);
  fabric::write_ip_header(packet.data(), {.source = source.address, .destination = destination.address},
                          fabric::kUdpHeader);
  store_u16be(packet.data() + header, source.port);
  store_u16be(packet.data() + header + 2, destination.port);
  store_u16be(packet.data() + header + 4, fabric::kUdpHeader);
  fabric::store_transport_checksum(packet, 6);
  return packet;
}

/// Source and destination of a UDP packet we made or a NAT rewrote.
std::pair<Endpoint, Endpoint> endpoints_of(ByteView packet) {
  const IpView ip = *fabric::parse_ip(packet);
  return {{ip.source, load_u16be(ip.payload.data())}, {ip.destination, load_u16be(ip.payload.data() + 2)}};
}

}  // namespace

Party::Party(const NatChain& chain, std::uint8_t number, std::uint64_t seed, bool ipv6)
    : random_(seed, number == 1 ? "party a" : "party b") {
  const IpAddress external = IpAddress::v4(203, 0, 113, number);
  host_ = {translates(chain) ? IpAddress::v4(192, 168, 1, 10) : external, 41641};
  nat64_ = nat64_prefix(chain);
  if (nat64_ || ipv6)
    native_ = {IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, 10}), host_.port};
  if (nat64_) host_ = native_;
  for (std::size_t layer = 0; layer < chain.size(); ++layer) {
    const bool outermost = layer + 1 == chain.size();
    const IpAddress own = outermost ? external : IpAddress::v4(10, 64, number, static_cast<std::uint8_t>(layer + 2));
    gateways_.push_back(std::make_unique<nat::Nat>(chain[layer], std::vector{own}, random_));
  }
}

const Endpoint* Party::source_for(const Endpoint& destination) const {
  for (const Endpoint* own : {&host_, &native_}) {
    if (own->port != 0 && own->address.family() == destination.address.family()) return own;
  }
  return nullptr;
}

std::optional<Bytes> Party::send(Time now, const Endpoint& destination) {
  Endpoint to = destination;
  if (nat64_ && to.address.is_v4()) to.address = embed_ipv4(*nat64_, to.address);
  const Endpoint* source = source_for(to);
  if (source == nullptr) return std::nullopt;
  Bytes packet = udp_packet(*source, to);
  for (const auto& gateway : gateways_) {
    auto outcome = gateway->translate(now, nat::Side::inside, packet);
    if (outcome.action != nat::Outcome::Action::forward_out) return std::nullopt;
    if (!outcome.packets.empty()) packet = std::move(outcome.packets[0]);
  }
  return packet;
}

std::optional<Endpoint> Party::receive(Time now, Bytes packet) {
  for (auto gateway = gateways_.rbegin(); gateway != gateways_.rend(); ++gateway) {
    auto outcome = (*gateway)->translate(now, nat::Side::outside, packet);
    if (outcome.action != nat::Outcome::Action::forward_in) return std::nullopt;
    if (!outcome.packets.empty()) packet = std::move(outcome.packets[0]);
  }
  const auto [source, destination] = endpoints_of(packet);
  if (destination != host_ && destination != native_) return std::nullopt;
  const auto translated = nat64_ ? embedded_ipv4(*nat64_, source.address) : std::nullopt;
  return translated ? Endpoint{*translated, source.port} : source;
}

std::optional<Endpoint> Party::reflexive(Time now, const Endpoint& server) {
  const auto request = send(now, server);
  if (!request) return std::nullopt;
  const Endpoint seen = endpoints_of(*request).first;
  if (!receive(now, udp_packet(server, seen))) return std::nullopt;
  return seen;
}

}  // namespace weft::sim

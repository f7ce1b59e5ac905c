// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/invariants.h"

#include <cstring>

#include "sim/fabric/headers.h"

namespace weft::sim {
namespace {

const Prefix kHomes = *Prefix::parse("192.168.0.0/16");
const Prefix kOverlay = *Prefix::parse("100.64.0.0/10");  // no host or carrier of a world has such addresses underneath

bool contains(ByteView packet, ByteView canary) {
  return ::memmem(packet.data(), packet.size(), canary.data(), canary.size()) != nullptr;
}

}  // namespace

void Invariants::Breach::note(ByteView packet) {
  if (count++ > 0) return;
  first = fabric::source_of(packet).to_string() + " to " + fabric::destination_of(packet).to_string() + ", " +
          std::to_string(packet.size()) + " bytes";
}

/// A NAT that hairpins with the internal source shows a host a packet from its own address, but from another port.
bool Invariants::differ_in_ports(ByteView packet) {
  const bool v4 = packet.size() > 20 && packet[0] >> 4 == 4;
  const std::size_t header = v4 ? std::size_t{packet[0] & 15u} * 4 : 40;
  if (packet.size() < header + 4) return false;
  const std::uint8_t protocol = v4 ? packet[9] : packet[6];
  if (protocol != 6 && protocol != 17) return false;
  return load_u16be(packet.data() + header) != load_u16be(packet.data() + header + 2);
}

void Invariants::see(Time now, ByteView packet) {
  ++packets_;
  const IpAddress source = fabric::source_of(packet), destination = fabric::destination_of(packet);
  if (contains(packet, canary_)) plaintext_.note(packet);
  if (source == destination && !differ_in_ports(packet)) land_.note(packet);
  if (kOverlay.contains(source) || kOverlay.contains(destination)) overlay_.note(packet);
  once_.see(packet);
  keys_.see(packet);
  if (!sharing_.nats) budget_.see(now, packet);
  // On the wire of a host behind a NAT. Gateways, which have the first address of their network, answer expired packets
  // and are asked for ports.
  const bool datagram = packet.size() > 20 && packet[0] >> 4 == 4 && packet[9] == 17;
  // A NAT that hairpins with the internal source shows a host its own address (RFC 4787 §6); that is judged above.
  const bool private_both = datagram && kHomes.contains(source) && destination.is_private() && source != destination;
  const auto is_gateway = [](const IpAddress& address) { return address.v4_host_order() % 256 == 1; };
  if (private_both && !sharing_.networks && !is_gateway(source) && !is_gateway(destination))
    private_probe_.note(packet);
  if (probe_flow(packet) && !destination.is_private() && !attested_(destination)) unattested_.note(packet);
}

std::vector<std::string> Invariants::violations() const {
  std::vector<std::string> sentences;
  const auto tell = [&](const Breach& breach, const std::string& what) {
    if (breach.count > 0) {
      sentences.push_back("invariant " + what + " (" + std::to_string(breach.count) + " packets, the first " +
                          breach.first + ")");
    }
  };
  tell(plaintext_, "no_plaintext: an inner packet was on a wire in plaintext");
  tell(private_probe_, "private_probe: a probe went to a private address without evidence of the same network");
  tell(unattested_, "attested_only: a probe went to an address that no node has reported");
  tell(land_, "no_loop: a packet had the same source and destination");
  tell(overlay_, "no_loop: a packet on a wire was from or to an address of the overlay");
  if (const auto told = once_.counters(); !told.empty())
    sentences.push_back("invariant counters: a WireGuard counter was used for different messages (" + told + ")");
  if (const auto told = once_.nonces(); !told.empty())
    sentences.push_back("invariant nonces: a nonce was used for different probes (" + told + ")");
  if (const auto told = keys_.violation(); !told.empty()) sentences.push_back("invariant keys: " + told);
  if (std::string beyond = budget_.violation(); !beyond.empty()) sentences.push_back(std::move(beyond));
  if (packets_ == 0) sentences.push_back("invariant seen: no packet was seen at all");
  return sentences;
}

}  // namespace weft::sim

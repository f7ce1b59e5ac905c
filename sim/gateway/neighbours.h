// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/gateway/frame.h"

namespace weft::gateway {

/// ARP (RFC 826) and the part of Neighbour Discovery that a link needs (RFC 4861 §7.2), for one interface: answers for
/// the addresses that are ours and not the kernel's, finds the next hop's address, holds frames until it is known.
/// An entry is fresh for 60 s after it was confirmed; then it is asked for again and used for another 30 s.
class Neighbours {
 public:
  explicit Neighbours(const Mac& own) : own_(own) {}

  /// The addresses we answer for. Those of `borrowed` are the kernel's, on the same interface: requests come from them,
  /// if there is none of ours of the family.
  void set_addresses(std::vector<IpAddress> ours, std::vector<IpAddress> borrowed);

  /// A neighbour whose link address is told once and for all, and never asked for.
  void tell(const IpAddress& address, const Mac& mac);

  /// True if `frame` (see frame.h) is ARP or Neighbour Discovery: it is consumed.
  bool handle_frame(Time now, ByteView frame);
  /// The link address of a neighbour; nullopt if it is not known (yet): send through hold() then.
  std::optional<Mac> find(Time now, const IpAddress& address);
  /// Keeps a frame until `address` is found, for at most 3 s, and at most 32 per address.
  void hold(Time now, const IpAddress& address, Bytes frame);
  void handle_timeout(Time now);
  /// A whole frame: a request, an answer, or one that was held.
  std::optional<Bytes> poll_transmit();
  std::optional<Time> next_deadline() const;

 private:
  struct Entry {
    Mac mac{};
    Time fresh_until, usable_until, asked;
  };
  struct Waiting {
    std::deque<Bytes> frames;
    int asked = 0;
    Time next;
  };
  void handle_arp(Time now, ByteView arp);
  bool handle_discovery(Time now, ByteView ip);
  void learn(Time now, const IpAddress& address, ByteView mac);
  void request(const IpAddress& address);
  void advertise(const IpAddress& target, const IpAddress& to, const Mac& to_mac, bool solicited);
  bool answers_for(const IpAddress& address) const;
  IpAddress source_for(const IpAddress& target) const;

  Mac own_;
  std::vector<IpAddress> ours_, borrowed_;
  std::unordered_map<IpAddress, Entry> entries_;
  std::map<IpAddress, Waiting> waiting_;
  std::deque<Bytes> out_;
};

}  // namespace weft::gateway

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/candidate.h"

#include <algorithm>
#include <array>

#include "mesh/base/fnv.h"

namespace weft::path {
namespace {

/// Seen from outside under a private address that is its own: there is no NAT between the node and the relay.
bool private_without_nat(const std::vector<Candidate>& candidates) {
  return std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& seen) {
    if (seen.kind != CandidateKind::server_reflexive || !seen.endpoint.address.is_private()) return false;
    return std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& own) {
      return own.kind == CandidateKind::host && own.endpoint.address == seen.endpoint.address;
    });
  });
}

}  // namespace

std::uint32_t priority(const Candidate& candidate) {
  static constexpr std::array<std::uint32_t, 7> kTypePreference = {126, 100, 110, 0, 105, 90, 80};
  const std::uint32_t type = kTypePreference.at(static_cast<std::size_t>(candidate.kind));
  const std::uint32_t local = candidate.endpoint.address.is_v6() ? 65535 : 65534;
  return type << 24 | local << 8 | 255;
}

std::uint64_t digest_of_addresses(const std::vector<Candidate>& candidates) {
  std::uint64_t digest = fnv1a({});
  for (const auto& [kind, endpoint] : candidates) {
    if (kind == CandidateKind::port_mapped || is_tcp(kind)) continue;
    const std::array<std::uint8_t, 4> rest{
        static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(endpoint.address.family()),
        static_cast<std::uint8_t>(endpoint.port >> 8), static_cast<std::uint8_t>(endpoint.port)};
    digest = fnv1a(endpoint.address.bytes(), fnv1a(rest, digest));
  }
  return digest;
}

std::string_view name(CandidateKind kind) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "host", "server_reflexive", "peer_reflexive", "relayed", "port_mapped", "tcp_host", "tcp_server_reflexive"};
  return kNames.at(static_cast<std::size_t>(kind));
}

bool same_network(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs) {
  for (const auto& mine : ours) {
    if (mine.kind != CandidateKind::server_reflexive) continue;
    for (const auto& other : theirs) {
      if (other.kind == CandidateKind::server_reflexive && other.endpoint.address == mine.endpoint.address) return true;
    }
  }
  return private_without_nat(ours) && private_without_nat(theirs);
}

ProbeVerdict probe_verdict(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs,
                           const Candidate& candidate) {
  if (is_tcp(candidate.kind)) return ProbeVerdict::not_udp;
  const auto& address = candidate.endpoint.address;
  if (candidate.kind == CandidateKind::relayed || candidate.endpoint.port == 0) return ProbeVerdict::not_udp;
  if (address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_link_local())
    return ProbeVerdict::unusable_address;
  if (address.is_private() && !same_network(ours, theirs)) return ProbeVerdict::private_elsewhere;
  const auto is_it = [&](const Candidate& own) { return own.endpoint == candidate.endpoint; };
  return std::any_of(ours.begin(), ours.end(), is_it) ? ProbeVerdict::own_endpoint : ProbeVerdict::probe;
}

/// One that is not UDP's has its address judged as if it were.
std::vector<Endpoint> connectable(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs) {
  std::vector<Endpoint> allowed;
  for (const auto& candidate : theirs) {
    if (!is_tcp(candidate.kind)) continue;
    const bool own = std::any_of(ours.begin(), ours.end(), [&](const Candidate& one) {
      return one.endpoint.address == candidate.endpoint.address;
    });
    if (own && candidate.kind == CandidateKind::tcp_server_reflexive) continue;
    if (probe_verdict(ours, theirs, {CandidateKind::host, candidate.endpoint}) == ProbeVerdict::probe)
      allowed.push_back(candidate.endpoint);
  }
  return allowed;
}

std::vector<Candidate> kept_ports(const std::vector<Candidate>& theirs) {
  std::vector<Candidate> kept;
  for (const auto& seen : theirs) {
    if (seen.kind != CandidateKind::server_reflexive) continue;
    for (const auto& own : theirs) {
      if (own.kind != CandidateKind::host || own.endpoint.address.family() != seen.endpoint.address.family()) continue;
      const Candidate one{CandidateKind::server_reflexive, {seen.endpoint.address, own.endpoint.port}};
      const auto is_it = [&](const Candidate& other) { return other.endpoint == one.endpoint; };
      if (std::ranges::none_of(theirs, is_it) && std::ranges::none_of(kept, is_it)) kept.push_back(one);
    }
  }
  return kept;
}

std::vector<Candidate> probeable(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs) {
  std::vector<Candidate> allowed;
  for (const auto& candidate : theirs) {
    if (probe_verdict(ours, theirs, candidate) != ProbeVerdict::probe) continue;
    const auto is_it = [&](const Candidate& other) { return other.endpoint == candidate.endpoint; };
    if (std::none_of(allowed.begin(), allowed.end(), is_it)) allowed.push_back(candidate);
  }
  return allowed;
}

}  // namespace weft::path

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/explanation.h"

namespace weft::path {

std::string_view name(Rung rung) {
  switch (rung) {
    case Rung::none:
      return "none";
    case Rung::same_network:
      return "same_network";
    case Rung::ipv6:
      return "ipv6";
    case Rung::port_mapping:
      return "port_mapping";
    case Rung::simultaneous_open:
      return "simultaneous_open";
    case Rung::role_order:
      return "role_order";
    case Rung::prediction:
      return "prediction";
    case Rung::one_sided_search:
      return "one_sided_search";
    case Rung::two_sided_search:
      return "two_sided_search";
    case Rung::tcp:
      return "tcp";
    case Rung::peer_relay:
      return "peer_relay";
    case Rung::relay:
      return "relay";
  }
  return "unknown";
}

std::string_view name(CheckList::PairState state) {
  switch (state) {
    case CheckList::PairState::waiting:
      return "waiting";
    case CheckList::PairState::in_progress:
      return "in_progress";
    case CheckList::PairState::one_way:
      return "one_way";
    case CheckList::PairState::succeeded:
      return "succeeded";
  }
  return "unknown";
}

std::string_view name(Strategy::Method method) {
  switch (method) {
    case Strategy::Method::simultaneous_open:
      return "simultaneous_open";
    case Strategy::Method::one_sided_search:
      return "one_sided_search";
    case Strategy::Method::two_sided_search:
      return "two_sided_search";
    case Strategy::Method::hopeless:
      return "hopeless";
  }
  return "unknown";
}

std::string_view name(ProbeVerdict verdict) {
  switch (verdict) {
    case ProbeVerdict::probe:
      return "probe";
    case ProbeVerdict::not_udp:
      return "not_udp";
    case ProbeVerdict::unusable_address:
      return "unusable_address";
    case ProbeVerdict::private_elsewhere:
      return "private_elsewhere";
    case ProbeVerdict::own_endpoint:
      return "own_endpoint";
    case ProbeVerdict::no_socket:
      return "no_socket";
  }
  return "unknown";
}

}  // namespace weft::path

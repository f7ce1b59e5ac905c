// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/nat.h"

namespace weft::nat {

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::none:
      return "none";
    case DropReason::malformed:
      return "malformed";
    case DropReason::unsupported_protocol:
      return "unsupported_protocol";
    case DropReason::fragment:
      return "fragment";
    case DropReason::ttl_expired:
      return "ttl_expired";
    case DropReason::udp_blocked:
      return "udp_blocked";
    case DropReason::not_ours:
      return "not_ours";
    case DropReason::no_mapping:
      return "no_mapping";
    case DropReason::filtered:
      return "filtered";
    case DropReason::hairpin_refused:
      return "hairpin_refused";
    case DropReason::no_port:
      return "no_port";
    case DropReason::subscriber_limit:
      return "subscriber_limit";
    case DropReason::icmp_unmatched:
      return "icmp_unmatched";
    case DropReason::policy:
      return "policy";
    case DropReason::table_full:
      return "table_full";
    case DropReason::no_block:
      return "no_block";
    case DropReason::untranslatable:
      return "untranslatable";
    case DropReason::count_:
      break;
  }
  return "unknown";
}

}  // namespace weft::nat

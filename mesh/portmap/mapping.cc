// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/mapping.h"

namespace weft::portmap {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::pcp:
      return "pcp";
    case Method::nat_pmp:
      return "nat-pmp";
    case Method::upnp_igd:
      return "upnp-igd";
  }
  return "unknown";
}

std::string_view to_string(Protocol protocol) { return protocol == Protocol::udp ? "udp" : "tcp"; }

std::string_view describe(PortmapError error) {
  switch (error) {
    case PortmapError::no_answer:
      return "the gateway does not answer";
    case PortmapError::not_authorised:
      return "the gateway does not allow port mappings";
    case PortmapError::no_resources:
      return "the gateway has no room for another port mapping";
    case PortmapError::network_failure:
      return "the gateway has no address of its own outside";
    case PortmapError::address_mismatch:
      return "there is another NAT between this host and the gateway";
    case PortmapError::unsupported:
      return "the gateway does not know this kind of request";
    case PortmapError::malformed:
      return "the gateway's answer cannot be read";
    case PortmapError::other:
      return "the gateway refuses for a reason of its own";
  }
  return "unknown";
}

}  // namespace weft::portmap

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/advertise.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mesh/bin/settings.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/stream.h"

namespace weft::bin {
namespace {

constexpr std::size_t kMostEndpoints = 8;  // what a setup key carries

}  // namespace

Result<std::vector<Endpoint>> parse_endpoint_flags(std::string_view flag, const std::vector<std::string>& texts) {
  std::vector<Endpoint> endpoints;
  for (const auto& text : texts) {
    const auto endpoint = parse_endpoint_flag(flag, text);
    if (!endpoint) return std::unexpected(endpoint.error());
    endpoints.push_back(*endpoint);
  }
  return endpoints;
}

std::vector<Endpoint> reachable_endpoints(const io::NetworkMonitor& network, const std::vector<Endpoint>& bound) {
  std::vector<Endpoint> endpoints;
  for (const auto& each : bound) {
    for (const auto& endpoint : reachable_endpoints(network, each)) {
      if (endpoints.size() < kMostEndpoints) endpoints.push_back(endpoint);
    }
  }
  return endpoints;
}

std::vector<Endpoint> reachable_endpoints(const io::NetworkMonitor& network, const Endpoint& bound) {
  if (!bound.address.is_unspecified()) return {bound};
  auto interfaces = network.interfaces();
  std::ranges::sort(interfaces, {}, [](const auto& each) { return std::pair(!each.has_default_route, each.index); });
  std::vector<Endpoint> endpoints;
  for (const auto& interface : interfaces) {
    for (const auto& prefix : interface.addresses) {
      const bool fits = prefix.address.family() == bound.address.family() && !prefix.address.is_link_local();
      if (interface.up && fits && endpoints.size() < kMostEndpoints) endpoints.push_back({prefix.address, bound.port});
    }
  }
  if (endpoints.empty()) endpoints.push_back({IpAddress::loopback(bound.address.family()), bound.port});
  return endpoints;
}

std::vector<Endpoint> default_listen(io::Host& host, std::uint16_t port) {
  std::vector<Endpoint> endpoints;
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const auto any = IpAddress::any(family);
    if (host.listen({any, 0}, [](std::unique_ptr<io::Stream>) {})) endpoints.push_back({any, port});
  }
  return endpoints;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const std::string text = name.data();
  return text.substr(0, text.find('.'));
}

}  // namespace weft::bin

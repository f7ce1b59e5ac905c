// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/http/message.h"
#include "mesh/portmap/xml.h"
#include "sim/portmap/mapping_store.h"

namespace weft::gateway_portmap {

inline constexpr std::uint16_t kUpnpPort = 5000;

/// A UPnP Internet gateway device, version 1: SSDP answers, its description, and the actions of WANIPConnection:1 that
/// clients use to open ports. A host may open ports to itself only.
class UpnpServer {
 public:
  UpnpServer(MappingStore& store, const IpAddress& inside) : store_(store), inside_(inside) {}

  /// The answer to M-SEARCH; nullopt if it asks for something that this device is not.
  std::optional<Bytes> handle_search(ByteView datagram) const;
  http::Response handle_request(Time now, const IpAddress& from, const http::Request& request);

 private:
  struct Fault {
    int code = 501;
    std::string_view text;
  };
  using Values = std::vector<std::pair<std::string, std::string>>;
  using Reply = std::expected<Values, Fault>;
  http::Response describe() const;
  Reply act(Time now, const IpAddress& from, std::string_view action, const portmap::XmlDocument& body,
            std::size_t element);
  Reply add(Time now, const IpAddress& from, const portmap::XmlDocument& body, std::size_t element);
  Reply remove(Time now, const portmap::XmlDocument& body, std::size_t element);
  Reply entry_at(Time now, std::size_t index);
  Reply find_entry(Time now, const portmap::XmlDocument& body, std::size_t element);
  Values values_of(Time now, const Grant& grant, bool with_key) const;
  std::optional<Grant> held(Time now, Protocol protocol, std::uint16_t port);

  MappingStore& store_;
  IpAddress inside_;
  std::map<std::pair<Protocol, std::uint16_t>, std::string> descriptions_;
};

}  // namespace weft::gateway_portmap

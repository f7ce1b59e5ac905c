// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/http/message.h"
#include "mesh/portmap/mapping.h"

namespace weft::portmap {

/// Where devices are searched for (UPnP Device Architecture 1.1 §1.2.2).
inline constexpr std::uint16_t kSsdpPort = 1900;
inline constexpr IpAddress kSsdpGroup = IpAddress::v4(239, 255, 255, 250);
inline constexpr std::string_view kGatewayDevice = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

/// "http://192.168.1.1:5000/path", the host as an IPv4 address: a gateway's own links name nothing else.
struct HttpUrl {
  Endpoint server;
  std::string path;  // begins with /
  friend bool operator==(const HttpUrl&, const HttpUrl&) = default;
};
std::optional<HttpUrl> parse_http_url(std::string_view text);

/// M-SEARCH for an Internet gateway, to `destination`: the group, or the gateway itself.
Bytes ssdp_search(const Endpoint& destination);
/// The LOCATION of an answer to M-SEARCH; nullopt for anything else.
std::optional<HttpUrl> parse_ssdp_answer(ByteView datagram);

/// A WANIPConnection or WANPPPConnection service of a gateway.
struct IgdService {
  std::string type;  // "urn:schemas-upnp-org:service:WANIPConnection:1"
  HttpUrl control;
  /// It has AddAnyPortMapping.
  bool version_2() const { return type.ends_with("WANIPConnection:2"); }
  friend bool operator==(const IgdService&, const IgdService&) = default;
};
/// The services of a device description that was read from `from`, in the document's order. Control URLs at another
/// address than `from`'s are left out.
std::vector<IgdService> parse_description(std::string_view xml, const HttpUrl& from);

using SoapArguments = std::vector<std::pair<std::string, std::string>>;
/// The names of what an action gives, to their values; or the code of a UPnPError.
struct SoapAnswer {
  std::optional<std::uint32_t> fault;
  std::map<std::string, std::string, std::less<>> values;
};

/// The request for `url`, in HTTP/1.0: a gateway then neither answers in chunks nor keeps the connection.
Bytes http_get(const HttpUrl& url);
Bytes soap_request(const IgdService& service, std::string_view action, const SoapArguments& arguments);
/// nullopt if `response` is no answer to `action`.
std::optional<SoapAnswer> parse_soap_answer(const http::Response& response, std::string_view action);

}  // namespace weft::portmap

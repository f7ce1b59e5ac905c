// SPDX-License-Identifier: BSD-3-Clause
// links: weft_portmap
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mesh/portmap/nat_pmp.h"
#include "mesh/portmap/pcp.h"
#include "mesh/portmap/upnp_igd.h"
#include "mesh/portmap/xml.h"

using namespace weft;

/// Everything that a gateway may answer with, and what a server reads. What a codec reads must survive being written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto request = portmap::parse_nat_pmp_request(input)) {
    if (portmap::parse_nat_pmp_request(encode(*request)) != request) std::abort();
  }
  if (const auto response = portmap::parse_nat_pmp_response(input)) {
    if (portmap::parse_nat_pmp_response(encode(*response)) != response) std::abort();
  }
  if (const auto request = portmap::parse_pcp_request(input)) {
    const auto again = portmap::parse_pcp_request(encode(*request));
    if (!again || *again != *request) std::abort();
  }
  if (const auto response = portmap::parse_pcp_response(input)) {
    if (portmap::parse_pcp_response(encode(*response)) != response) std::abort();
  }
  static_cast<void>(portmap::says_other_version(input));
  static_cast<void>(portmap::parse_ssdp_answer(input));
  const std::string_view text = as_text(input);
  const portmap::HttpUrl from{{IpAddress::v4(192, 168, 1, 1), 5000}, "/"};
  for (const auto& service : portmap::parse_description(text, from)) {
    if (service.control.server.address != from.server.address) std::abort();
    static_cast<void>(portmap::soap_request(service, "GetExternalIPAddress", {}));
  }
  http::Response response;
  response.body = to_bytes(input);
  static_cast<void>(portmap::parse_soap_answer(response, "GetExternalIPAddress"));
  if (const auto document = portmap::XmlDocument::parse(text)) {
    const std::string again = "<a>" + portmap::xml_escape(document->elements()[0].text) + "</a>";
    const auto round = portmap::XmlDocument::parse(again);
    if (!round || round->elements()[0].text != document->elements()[0].text) std::abort();
  }
  return 0;
}

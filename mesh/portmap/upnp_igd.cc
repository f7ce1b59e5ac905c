// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/upnp_igd.h"

#include <algorithm>
#include <charconv>

#include "mesh/http/codec.h"
#include "mesh/portmap/xml.h"

namespace weft::portmap {
namespace {

constexpr std::string_view kServices[] = {
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
};

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Printable ASCII without spaces: what may stand in a request line.
bool fit_for_a_request(std::string_view path) {
  return std::ranges::all_of(path, [](char c) { return c > ' ' && c <= '~'; });
}

/// A link in a description: absolute, or a path at the server of `base`.
std::optional<HttpUrl> resolve(std::string_view link, const HttpUrl& base) {
  if (link.empty()) return std::nullopt;
  if (link.starts_with("http://")) return parse_http_url(link);
  if (!fit_for_a_request(link)) return std::nullopt;
  return HttpUrl{base.server, link.starts_with('/') ? std::string(link) : "/" + std::string(link)};
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  if (!text.starts_with("http://")) return std::nullopt;
  text.remove_prefix(7);
  const auto slash = text.find('/');
  const std::string_view authority = text.substr(0, slash);
  const std::string path = slash == std::string_view::npos ? "/" : std::string(text.substr(slash));
  const auto colon = authority.find(':');
  const auto address = IpAddress::parse(authority.substr(0, colon));
  std::optional<std::uint16_t> port = 80;
  if (colon != std::string_view::npos) port = parse_number<std::uint16_t>(authority.substr(colon + 1));
  if (!address || !address->is_v4() || !port || *port == 0) return std::nullopt;
  if (!fit_for_a_request(path)) return std::nullopt;
  return HttpUrl{{*address, *port}, path};
}

Bytes ssdp_search(const Endpoint& destination) {
  const http::Request search{.method = "M-SEARCH",
                             .target = "*",
                             .fields = {{"HOST", destination.to_string()},
                                        {"MAN", "\"ssdp:discover\""},
                                        {"MX", "1"},
                                        {"ST", std::string(kGatewayDevice)}},
                             .body = {}};
  return http::serialize(search);
}

std::optional<HttpUrl> parse_ssdp_answer(ByteView datagram) {
  http::ResponseParser parser;
  parser.handle_data(datagram);
  parser.handle_end();
  const auto answer = parser.poll_response();
  if (!answer || answer->status != 200) return std::nullopt;
  for (const http::Field& field : answer->fields) {
    if (http::equal_in_any_case(field.name, "location")) return parse_http_url(field.value);
  }
  return std::nullopt;
}

std::vector<IgdService> parse_description(std::string_view xml, const HttpUrl& from) {
  std::vector<IgdService> out;
  const auto document = XmlDocument::parse(xml);
  if (!document) return out;
  HttpUrl base = from;
  if (const auto named = parse_http_url(document->child_text(0, "URLBase"))) base = *named;
  for (std::size_t at = 0; at < document->elements().size(); ++at) {
    if (document->elements()[at].name != "service") continue;
    const std::string_view type = document->child_text(at, "serviceType");
    const auto control = resolve(document->child_text(at, "controlURL"), base);
    if (!control || control->server.address != from.server.address) continue;
    for (const std::string_view known : kServices) {
      if (type == known) out.push_back({std::string(type), *control});
    }
  }
  return out;
}

Bytes http_get(const HttpUrl& url) {
  return http::serialize(http::Request{.target = url.path,
                                       .http_1_1 = false,
                                       .fields = {{"Host", url.server.to_string()}, {"Connection", "close"}},
                                       .body = {}});
}

Bytes soap_request(const IgdService& service, std::string_view action, const SoapArguments& arguments) {
  std::string body =
      "<?xml version=\"1.0\"?>\r\n"
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:";
  body.append(action).append(" xmlns:u=\"").append(service.type).append("\">");
  for (const auto& [name, value] : arguments) {
    body.append("<").append(name).append(">").append(xml_escape(value)).append("</").append(name).append(">");
  }
  body.append("</u:").append(action).append("></s:Body></s:Envelope>\r\n");
  return http::serialize(
      http::Request{.method = "POST",
                    .target = service.control.path,
                    .http_1_1 = false,
                    .fields = {{"Host", service.control.server.to_string()},
                               {"Content-Type", "text/xml; charset=\"utf-8\""},
                               {"SOAPAction", "\"" + service.type + "#" + std::string(action) + "\""},
                               {"Connection", "close"}},
                    .body = to_bytes(as_bytes(body))});
}

std::optional<SoapAnswer> parse_soap_answer(const http::Response& response, std::string_view action) {
  const auto document = XmlDocument::parse(as_text(response.body));
  if (!document) return std::nullopt;
  SoapAnswer answer;
  if (const auto fault = document->find("UPnPError"); fault != XmlDocument::kNone) {
    answer.fault = parse_number<std::uint32_t>(document->child_text(fault, "errorCode"));
    return answer.fault ? std::optional(answer) : std::nullopt;
  }
  const auto result = document->find(std::string(action) + "Response");
  if (response.status != 200 || result == XmlDocument::kNone) return std::nullopt;
  for (const auto& element : document->elements()) {
    if (element.parent == result) answer.values[element.name] = element.text;
  }
  return answer;
}

}  // namespace weft::portmap

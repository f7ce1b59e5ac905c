// SPDX-License-Identifier: GPL-2.0-only
#include "sim/portmap/upnp_server.h"

#include <algorithm>
#include <charconv>

#include "mesh/http/codec.h"
#include "mesh/portmap/upnp_igd.h"

namespace weft::gateway_portmap {
namespace {

using portmap::XmlDocument;

constexpr std::string_view kService = "urn:schemas-upnp-org:service:WANIPConnection:1";
/// Clients take a device for a gateway only if it has this one too.
constexpr std::string_view kCommon = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
constexpr std::string_view kUuid = "uuid:77656674-0000-4000-8000-000000000001";
constexpr std::string_view kWithinItself[] = {"upnp:rootdevice", portmap::kGatewayDevice,
                                              "urn:schemas-upnp-org:device:WANDevice:1",
                                              "urn:schemas-upnp-org:device:WANConnectionDevice:1", kService};

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t high) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > high) return std::nullopt;
  return value;
}

std::optional<Protocol> protocol_of(std::string_view text) {
  if (text == "UDP") return Protocol::udp;
  if (text == "TCP") return Protocol::tcp;
  return std::nullopt;
}

http::Response xml_response(int status, std::string body) {
  return {.status = status,
          .reason = {},
          .fields = {{"Content-Type", "text/xml; charset=\"utf-8\""}, {"Connection", "close"}},
          .body = to_bytes(as_bytes(body))};
}

std::string envelope(const std::string& inside) {
  return "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
         "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>" +
         inside + "</s:Body></s:Envelope>\r\n";
}

std::string device(std::string_view type, std::string_view name, std::string_view number, const std::string& inside) {
  return "<device><deviceType>urn:schemas-upnp-org:device:" + std::string(type) + ":1</deviceType><friendlyName>" +
         std::string(name) +
         "</friendlyName><manufacturer>Weft</manufacturer><modelName>weft-lab gateway</modelName><UDN>" +
         std::string(kUuid.substr(0, kUuid.size() - 1)) + std::string(number) + "</UDN>" + inside + "</device>";
}

std::string service_entry(std::string_view type, std::string_view id, std::string_view control) {
  return "<serviceList><service><serviceType>" + std::string(type) +
         "</serviceType><serviceId>urn:upnp-org:serviceId:" + std::string(id) + "</serviceId><controlURL>" +
         std::string(control) +
         "</controlURL><eventSubURL>/events</eventSubURL><SCPDURL>/service.xml</SCPDURL></service></serviceList>";
}

}  // namespace

std::optional<Bytes> UpnpServer::handle_search(ByteView datagram) const {
  http::RequestParser parser;
  parser.handle_data(datagram);
  const auto request = parser.poll_request();
  if (!request || request->method != "M-SEARCH") return std::nullopt;
  std::string target;
  for (const http::Field& field : request->fields) {
    if (http::equal_in_any_case(field.name, "st")) target = field.value;
  }
  const bool all = target == "ssdp:all";
  if (!all && std::ranges::find(kWithinItself, target) == std::end(kWithinItself)) return std::nullopt;
  if (all) target = portmap::kGatewayDevice;
  const std::string location = "http://" + inside_.to_string() + ":" + std::to_string(kUpnpPort) + "/description.xml";
  return http::serialize(http::Response{.reason = {},
                                        .fields = {{"CACHE-CONTROL", "max-age=120"},
                                                   {"ST", target},
                                                   {"USN", std::string(kUuid) + "::" + target},
                                                   {"EXT", ""},
                                                   {"SERVER", "Linux UPnP/1.1 weft-lab/1"},
                                                   {"LOCATION", location}},
                                        .body = {}});
}

http::Response UpnpServer::describe() const {
  const std::string services = service_entry(kService, "WANIPConn1", "/control");
  const std::string connection = device("WANConnectionDevice", "Connection", "3", services);
  const std::string wan =
      device("WANDevice", "Outside", "2",
             service_entry(kCommon, "WANCommonIFC1", "/common") + "<deviceList>" + connection + "</deviceList>");
  const std::string root = device("InternetGatewayDevice", "Weft gateway", "1", "<deviceList>" + wan + "</deviceList>");
  return xml_response(200,
                      "<?xml version=\"1.0\"?>\r\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><specVersion>"
                      "<major>1</major><minor>0</minor></specVersion>" +
                          root + "</root>\r\n");
}

http::Response UpnpServer::handle_request(Time now, const IpAddress& from, const http::Request& request) {
  if (request.method == "GET" && request.target == "/description.xml") return describe();
  const bool common = request.target == "/common";
  if (request.method != "POST" || (!common && request.target != "/control")) return xml_response(404, {});
  const auto body = XmlDocument::parse(as_text(request.body));
  const std::size_t envelope_body = body ? body->find("Body") : XmlDocument::kNone;
  if (envelope_body == XmlDocument::kNone || envelope_body + 1 >= body->elements().size()) return xml_response(400, {});
  const std::size_t element = envelope_body + 1;
  const std::string action = body->elements()[element].name;
  const auto reply = act(now, from, action, *body, element);
  if (!reply) {
    return xml_response(
        500, envelope("<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
                      "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>" +
                      std::to_string(reply.error().code) + "</errorCode><errorDescription>" +
                      std::string(reply.error().text) + "</errorDescription></UPnPError></detail></s:Fault>"));
  }
  std::string inside = "<u:" + action + "Response xmlns:u=\"" + std::string(common ? kCommon : kService) + "\">";
  for (const auto& [name, value] : *reply) inside += "<" + name + ">" + portmap::xml_escape(value) + "</" + name + ">";
  return xml_response(200, envelope(inside + "</u:" + action + "Response>"));
}

UpnpServer::Reply UpnpServer::act(Time now, const IpAddress& from, std::string_view action, const XmlDocument& body,
                                  std::size_t element) {
  if (action == "GetExternalIPAddress") {
    const auto external = store_.external_address();
    return Values{{"NewExternalIPAddress", external ? external->to_string() : std::string()}};
  }
  if (action == "GetStatusInfo") {
    return Values{{"NewConnectionStatus", "Connected"},
                  {"NewLastConnectionError", "ERROR_NONE"},
                  {"NewUptime", std::to_string(store_.epoch_s(now))}};
  }
  if (action == "GetConnectionTypeInfo") {
    return Values{{"NewConnectionType", "IP_Routed"}, {"NewPossibleConnectionTypes", "IP_Routed"}};
  }
  if (action == "GetCommonLinkProperties") {
    return Values{{"NewWANAccessType", "Ethernet"},
                  {"NewLayer1UpstreamMaxBitRate", "1000000000"},
                  {"NewLayer1DownstreamMaxBitRate", "1000000000"},
                  {"NewPhysicalLinkStatus", "Up"}};
  }
  if (action == "GetNATRSIPStatus") return Values{{"NewRSIPAvailable", "0"}, {"NewNATEnabled", "1"}};
  if (action == "AddPortMapping") return add(now, from, body, element);
  if (action == "DeletePortMapping") return remove(now, body, element);
  if (action == "GetSpecificPortMappingEntry") return find_entry(now, body, element);
  if (action == "GetGenericPortMappingEntry") {
    const auto index = number(body.child_text(element, "NewPortMappingIndex"), 65535);
    if (!index) return std::unexpected(Fault{402, "Invalid Args"});
    return entry_at(now, *index);
  }
  return std::unexpected(Fault{401, "Invalid Action"});
}

std::optional<Grant> UpnpServer::held(Time now, Protocol protocol, std::uint16_t port) {
  for (const Grant& each : store_.list(now)) {
    if (each.protocol == protocol && each.external.port == port) return each;
  }
  return std::nullopt;
}

/// WANIPConnection:1 §2.4.16. A lease of 0 has no end.
UpnpServer::Reply UpnpServer::add(Time now, const IpAddress& from, const XmlDocument& body, std::size_t element) {
  const auto protocol = protocol_of(body.child_text(element, "NewProtocol"));
  const auto external = number(body.child_text(element, "NewExternalPort"), 65535);
  const auto internal = number(body.child_text(element, "NewInternalPort"), 65535);
  const auto lease = number(body.child_text(element, "NewLeaseDuration"), 0xFFFFFFFF);
  const auto client = IpAddress::parse(body.child_text(element, "NewInternalClient"));
  if (!protocol || !external || !internal || !lease || !client || *internal == 0)
    return std::unexpected(Fault{402, "Invalid Args"});
  if (*external == 0) return std::unexpected(Fault{716, "WildCardNotPermittedInExtPort"});
  if (*client != from) return std::unexpected(Fault{606, "Action not authorized"});
  const Endpoint inside{*client, static_cast<std::uint16_t>(*internal)};
  const auto port = static_cast<std::uint16_t>(*external);
  const auto other = held(now, *protocol, port);
  if (other && other->internal != inside) return std::unexpected(Fault{718, "ConflictInMappingEntry"});
  std::optional<Duration> lifetime;
  if (*lease != 0) lifetime = std::chrono::seconds{*lease};
  const auto grant = store_.add(
      now, {.protocol = *protocol, .internal = inside, .suggested_port = port, .exact = true, .lifetime = lifetime});
  if (!grant) return std::unexpected(Fault{718, "ConflictInMappingEntry"});
  descriptions_[{*protocol, port}] = std::string(body.child_text(element, "NewPortMappingDescription")).substr(0, 64);
  return Values{};
}

UpnpServer::Reply UpnpServer::remove(Time now, const XmlDocument& body, std::size_t element) {
  const auto protocol = protocol_of(body.child_text(element, "NewProtocol"));
  const auto port = number(body.child_text(element, "NewExternalPort"), 65535);
  if (!protocol || !port) return std::unexpected(Fault{402, "Invalid Args"});
  const auto grant = held(now, *protocol, static_cast<std::uint16_t>(*port));
  if (!grant) return std::unexpected(Fault{714, "NoSuchEntryInArray"});
  store_.remove(now, *protocol, grant->internal);
  descriptions_.erase({*protocol, static_cast<std::uint16_t>(*port)});
  return Values{};
}

UpnpServer::Values UpnpServer::values_of(Time now, const Grant& grant, bool with_key) const {
  Values values;
  if (with_key) {
    values = {{"NewRemoteHost", ""},
              {"NewExternalPort", std::to_string(grant.external.port)},
              {"NewProtocol", grant.protocol == Protocol::udp ? "UDP" : "TCP"}};
  }
  const auto description = descriptions_.find({grant.protocol, grant.external.port});
  const auto left = grant.expires ? std::chrono::ceil<std::chrono::seconds>(*grant.expires - now).count() : 0;
  values.insert(values.end(),
                {{"NewInternalPort", std::to_string(grant.internal.port)},
                 {"NewInternalClient", grant.internal.address.to_string()},
                 {"NewEnabled", "1"},
                 {"NewPortMappingDescription", description == descriptions_.end() ? "" : description->second},
                 {"NewLeaseDuration", std::to_string(left)}});
  return values;
}

UpnpServer::Reply UpnpServer::entry_at(Time now, std::size_t index) {
  const auto grants = store_.list(now);
  if (index >= grants.size()) return std::unexpected(Fault{713, "SpecifiedArrayIndexInvalid"});
  return values_of(now, grants[index], true);
}

UpnpServer::Reply UpnpServer::find_entry(Time now, const XmlDocument& body, std::size_t element) {
  const auto protocol = protocol_of(body.child_text(element, "NewProtocol"));
  const auto port = number(body.child_text(element, "NewExternalPort"), 65535);
  if (!protocol || !port) return std::unexpected(Fault{402, "Invalid Args"});
  const auto grant = held(now, *protocol, static_cast<std::uint16_t>(*port));
  if (!grant) return std::unexpected(Fault{714, "NoSuchEntryInArray"});
  return values_of(now, *grant, false);
}

}  // namespace weft::gateway_portmap

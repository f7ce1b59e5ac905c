// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/http/codec.h"
#include "mesh/portmap/epoch.h"
#include "mesh/portmap/nat_pmp.h"
#include "mesh/portmap/pcp.h"
#include "mesh/portmap/upnp_igd.h"
#include "mesh/portmap/xml.h"

namespace weft::portmap {
namespace {

TEST(NatPmp, WritesTheRequestsOfTheRfc) {
  EXPECT_EQ(to_hex(encode(NatPmpRequest{})), "0000");  // RFC 6886 §3.2
  EXPECT_EQ(to_hex(encode(NatPmpRequest{NatPmpOpcode::map_udp, 0x1234, 0x5678, 7200})),
            "0001000012345678"
            "00001c20");  // §3.3
}

TEST(NatPmp, ReadsAnswersAndRefusesCutOnes) {
  const Bytes answer = *from_hex("0081 0000 0000000a 1234 5678 00001c20");
  const auto read = parse_nat_pmp_response(answer);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch_s, 10u);
  EXPECT_EQ(read->external_port, 0x5678);
  EXPECT_EQ(encode(*read), answer);
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(parse_nat_pmp_response(ByteView(answer).first(size))) << size;
  }
  EXPECT_TRUE(parse_nat_pmp_response(*from_hex("0081 0003 0000000a")));  // a refusal may be short
}

TEST(Pcp, WritesAMapRequestOf60Bytes) {
  const PcpRequest request{.opcode = PcpOpcode::map,
                           .lifetime_s = 3600,
                           .client = IpAddress::v4(192, 168, 1, 2),
                           .map = PcpMap{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 17, 41641, {IpAddress::v4(0), 41641}},
                           .options = {}};
  EXPECT_EQ(to_hex(encode(request)),
            "02010000"
            "00000e10"
            "00000000000000000000ffffc0a80102"  // RFC 6887 §7.1
            "0102030405060708090a0b0c"
            "11000000"
            "a2a9"
            "a2a9"
            "00000000000000000000ffff00000000");  // §11.1
  EXPECT_EQ(*parse_pcp_request(encode(request)), request);
}

TEST(Pcp, RequestParserTellsTheResultToAnswerWith) {
  const Bytes good = encode(PcpRequest{.client = IpAddress::v4(1), .map = {}, .options = {}});
  EXPECT_TRUE(parse_pcp_request(good));
  Bytes other = good;
  other[0] = 3;
  EXPECT_EQ(parse_pcp_request(other).error().result, PcpResult::unsupported_version);
  other = good;
  other[1] = 99;
  EXPECT_EQ(parse_pcp_request(other).error().result, PcpResult::unsupported_opcode);
  other = good;
  other.pop_back();
  EXPECT_EQ(parse_pcp_request(other).error().result, PcpResult::malformed_request);
  other = good;
  other.insert(other.end(), {3, 0, 0, 9});  // an option longer than what is left
  EXPECT_EQ(parse_pcp_request(other).error().result, PcpResult::malformed_option);
}

TEST(Pcp, KnowsAnAnswerOfNatPmp) {
  EXPECT_TRUE(says_other_version(*from_hex("0080 0001 00000005")));
  EXPECT_FALSE(says_other_version(encode(PcpResponse{})));
  EXPECT_FALSE(says_other_version(encode(NatPmpResponse{})));  // the answer to another client at the same socket
}

TEST(Epoch, GoesBackOnlyWhenTheServerRestarts) {
  Epoch epoch;
  EXPECT_FALSE(epoch.note(Time{0s}, 1000));
  EXPECT_FALSE(epoch.note(Time{100s}, 1100));
  EXPECT_FALSE(epoch.note(Time{200s}, 1195));  // a clock that is slow by 5 %
  EXPECT_FALSE(epoch.note(Time{200s}, 1194));  // an answer that was overtaken
  EXPECT_TRUE(epoch.note(Time{300s}, 3));
  EXPECT_FALSE(epoch.note(Time{400s}, 103));
  EXPECT_TRUE(epoch.note(Time{8000s}, 200));  // forwards, but not by as much as the time
}

TEST(Xml, FindsTextsWithoutPrefixesAndAttributes) {
  const auto document = XmlDocument::parse(
      "<?xml version=\"1.0\"?><!-- > --><a:root x=\"1>2\"><b> one &amp; &#x41;<![CDATA[<two>]]> </b><c/></a:root>\n");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->child_text(0, "b"), "one & A<two>");
  EXPECT_EQ(document->find("c"), 2u);
  EXPECT_EQ(document->find("d"), XmlDocument::kNone);
}

TEST(Xml, RefusesWhatIsNotWellFormedOrTooMuch) {
  for (const char* text : {"", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a>&#0;</a>", "<a b=\"></a>",
                           "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a>&amp</a>", "</a>", "<a><![CDATA[</a>"}) {
    EXPECT_FALSE(XmlDocument::parse(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (int i = 0; i < 17; ++i) deep += "</a>";
  EXPECT_FALSE(XmlDocument::parse(deep));
}

TEST(Xml, EscapesWhatItCanReadBack) {
  const std::string text = "a<b>&\"'";
  const auto document = XmlDocument::parse("<x>" + xml_escape(text) + "</x>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->elements()[0].text, text);
}

TEST(Upnp, ReadsTheLocationOfAnAnswer) {
  const auto url =
      parse_ssdp_answer(as_bytes("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nLocation: "
                                 "http://192.168.1.1:5000/rootDesc.xml\r\nST: x\r\n\r\n"));
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, (HttpUrl{{IpAddress::v4(192, 168, 1, 1), 5000}, "/rootDesc.xml"}));
  EXPECT_FALSE(parse_ssdp_answer(as_bytes("NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n\r\n")));
}

TEST(Upnp, UrlsNameAnAddress) {
  EXPECT_TRUE(parse_http_url("http://10.0.0.1"));
  for (const char* text : {"https://10.0.0.1/", "http://router/", "http://10.0.0.1:0/", "http://10.0.0.1:99999/",
                           "http://10.0.0.1/a b", "http://[::1]/"}) {
    EXPECT_FALSE(parse_http_url(text)) << text;
  }
}

TEST(Upnp, ControlAtAnotherAddressIsLeftOut) {
  const HttpUrl from{{IpAddress::v4(192, 168, 1, 1), 5000}, "/d.xml"};
  const auto services = parse_description(
      "<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
      "<controlURL>http://192.168.1.7/ctl</controlURL></service>"
      "<service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType>"
      "<controlURL>ctl/IP</controlURL></service></root>",
      from);
  ASSERT_EQ(services.size(), 1u);
  EXPECT_EQ(services[0].control, (HttpUrl{from.server, "/ctl/IP"}));
}

TEST(Upnp, ReadsAFault) {
  const http::Response response{.status = 500,
                                .reason = {},
                                .fields = {},
                                .body = to_bytes(as_bytes("<s:Envelope><s:Body><s:Fault><detail><UPnPError>"
                                                          "<errorCode>718</errorCode></UPnPError></detail></s:Fault>"
                                                          "</s:Body></s:Envelope>"))};
  const auto answer = parse_soap_answer(response, "AddPortMapping");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->fault, 718u);
}

}  // namespace
}  // namespace weft::portmap

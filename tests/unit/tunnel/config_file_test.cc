// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tunnel/config_file.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::tunnel {
namespace {

constexpr std::string_view kGood = R"(# a comment
[Interface]
PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
ListenPort = 51820
Address = 10.9.0.1/24, fd00:9::1/64
MTU=1380

[peer]
publickey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=   # case does not matter
PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=
AllowedIPs = 10.9.0.2/32, 192.168.0.0/16,fd00:9::2/128
Endpoint = [2001:db8::7]:4500
PersistentKeepalive = 25
[Peer]
PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
PersistentKeepalive = off
)";

std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "wg0.conf");
  if (config) return "";
  EXPECT_EQ(config.error().code, ErrorCode::usage);
  return config.error().message;
}

TEST(ConfigFile, ReadsWhatWgQuickReads) {
  const auto config = parse_config(kGood, "wg0.conf");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->private_key.public_key().to_base64(), "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=");
  ASSERT_EQ(config->listen.size(), 2u);
  EXPECT_EQ(config->listen[0].to_string(), "0.0.0.0:51820");
  EXPECT_EQ(config->listen[1].to_string(), "[::]:51820");
  EXPECT_EQ(config->tun.mtu, 1380);
  ASSERT_EQ(config->tun.addresses.size(), 2u);
  EXPECT_EQ(config->tun.addresses[0].to_string(), "10.9.0.1/32");
  ASSERT_EQ(config->peers.size(), 2u);
  const StaticPeer& peer = config->peers[0];
  EXPECT_EQ(peer.public_key.to_base64(), "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=");
  EXPECT_FALSE(peer.preshared_key.is_zero());
  ASSERT_EQ(peer.allowed_ips.size(), 3u);
  EXPECT_EQ(peer.allowed_ips[1].to_string(), "192.168.0.0/16");
  EXPECT_EQ(peer.endpoint->to_string(), "[2001:db8::7]:4500");
  EXPECT_EQ(peer.persistent_keepalive, 25s);
  EXPECT_EQ(config->peers[1].persistent_keepalive, 0s);
  EXPECT_FALSE(config->peers[1].endpoint);
}

TEST(ConfigFile, NamesFileLineAndRemedy) {
  EXPECT_EQ(error_of("[Interface]\nColour = red\n"),
            "wg0.conf:2: the key Colour is not known in this section; remove it");
  EXPECT_EQ(error_of("PrivateKey = x\n"), "wg0.conf:1: PrivateKey stands before any section");
  EXPECT_EQ(error_of("[Interface]\n\n[Peer\n"), "wg0.conf:3: expected [Interface], [Peer] or Key = value");
  EXPECT_EQ(error_of("[Peer]\nPublicKey = x\n"), "wg0.conf:2: the value of PublicKey is not valid; see wg(8)");
  EXPECT_EQ(error_of(""), "wg0.conf:0: [Interface] needs a PrivateKey");
}

TEST(ConfigFile, RefusesBadValuesOfEveryKey) {
  for (const std::string line :
       {"PrivateKey = abc", "ListenPort = 70000", "ListenPort = ", "Address = 10.0.0.1,x", "MTU = 12", "MTU = many"}) {
    EXPECT_NE(error_of("[Interface]\n" + line + "\n"), "") << line;
  }
  for (const std::string line : {"PublicKey = abc", "PresharedKey = abc", "AllowedIPs = 10.0.0.0/33",
                                 "Endpoint = example.org:1", "Endpoint = 10.0.0.1", "PersistentKeepalive = -1"}) {
    EXPECT_NE(error_of("[Peer]\n" + line + "\n"), "") << line;
  }
}

TEST(ConfigFile, NeverRepeatsAKeyInAnError) {
  EXPECT_EQ(error_of("[Interface]\nPrivateKey = c2VjcmV0\n").find("c2VjcmV0"), std::string::npos);
}

TEST(ConfigFile, NeedsThePublicKeyOfEachPeer) {
  std::string text(kGood);
  text += "[Peer]\nAllowedIPs = 10.0.0.0/8\n";
  EXPECT_NE(error_of(text).find("a [Peer] has no PublicKey"), std::string::npos);
}

}  // namespace
}  // namespace weft::tunnel

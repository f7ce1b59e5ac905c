// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/wireguard_config.h"

#include <gtest/gtest.h>

namespace weft::bin {
namespace {

constexpr const char* kKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

std::string message_for(const std::string& text) {
  const auto config = parse_wireguard_config(text, "wg0.conf");
  EXPECT_FALSE(config) << text;
  return config ? "" : config.error().message;
}

TEST(WireguardConfig, ReadsWhatWgQuickReads) {
  const std::string key = kKey;
  const auto config =
      parse_wireguard_config("# ours\n[Interface]\nPrivateKey = " + key +
                                 "\nListenPort=51820\nAddress = 10.0.0.1/24, fd00::1/64\nMTU = 1420\r\n\n"
                                 "[Peer]\npublickey = " +
                                 key +
                                 "\nAllowedIPs = 10.0.0.2/32,fd00::/64\n"
                                 "Endpoint = 192.0.2.7:51820 # there\nPersistentKeepalive = 25\n"
                                 "[Peer]\nPublicKey = " +
                                 key + "\nPresharedKey = " + key + "\n",
                             "wg0.conf");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->tun.mtu, 1420);
  ASSERT_EQ(config->tun.addresses.size(), 2u);
  EXPECT_EQ(config->tun.addresses[0], (Prefix{IpAddress::v4(10, 0, 0, 1), 24}));
  EXPECT_EQ(config->listen[0].port, 51820);
  ASSERT_EQ(config->peers.size(), 2u);
  EXPECT_EQ(config->peers[0].allowed_ips[1], *Prefix::parse("fd00::/64"));
  EXPECT_EQ(config->peers[0].endpoint, Endpoint::parse("192.0.2.7:51820"));
  EXPECT_EQ(config->peers[0].persistent_keepalive, 25s);
  EXPECT_FALSE(config->peers[1].preshared_key.is_zero());
  EXPECT_FALSE(config->peers[1].endpoint);
}

TEST(WireguardConfig, NamesFileAndLineOfAMistakeButNeverAKey) {
  EXPECT_EQ(message_for("[Interface]\nColour = red\n"), "wg0.conf:2: unknown key \"colour\"");
  EXPECT_EQ(message_for("[Interface]\n\nMTU = big"), "wg0.conf:3: the value of \"mtu\" is not valid");
  EXPECT_EQ(message_for("[Wire]\n"), "wg0.conf:1: unknown section [wire]");
  EXPECT_EQ(message_for("MTU = 1400\n"), "wg0.conf:1: comes before [Interface]");
  EXPECT_EQ(message_for("[Interface]\nnonsense\n"), "wg0.conf:2: is neither a section nor `Key = value`");
  EXPECT_EQ(message_for("[Interface]\n"), "wg0.conf has no PrivateKey in [Interface]");
  EXPECT_EQ(message_for(std::string("[Interface]\nPrivateKey=") + kKey + "\n[Peer]\n"),
            "wg0.conf has a [Peer] without PublicKey");
  EXPECT_EQ(message_for("[Interface]\nPrivateKey = c2hvcnQ=\n").find("c2hv"), std::string::npos);
}

TEST(WireguardConfig, RefusesPrefixesThatAreNone) {
  for (const char* list : {"10.0.0.0/33", "10.0.0.0/8,", "", "fd00::/129", "host.example"}) {
    EXPECT_NE(message_for(std::string("[Interface]\nAddress = ") + list).find("\"address\""), std::string::npos)
        << list;
  }
}

}  // namespace
}  // namespace weft::bin

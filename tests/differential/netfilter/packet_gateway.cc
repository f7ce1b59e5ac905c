// SPDX-License-Identifier: GPL-2.0-only
#include "tests/differential/netfilter/packet_gateway.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/differential/netfilter/namespaces.h"
#include "tests/support/nat_lab.h"

namespace weft::test {
namespace {

constexpr const char* kRules =
    "add table ip t\n"
    "add chain ip t post { type nat hook postrouting priority 100; }\n"
    "add chain ip t input { type filter hook input priority 0; policy drop; }\n"
    "add chain ip t through { type filter hook forward priority 0; }\n"
    "add rule ip t through udp dport 9 accept\n"  // follow-up packets pass everywhere
    "add rule ip t through ct state invalid drop\n"
    "add rule ip t through iifname outside ct state new drop\n"
    "add rule ip t post oifname outside udp dport != 9 masquerade\n"
    "add rule ip t post oifname outside meta l4proto { tcp, icmp } masquerade\n";

std::string output_of(const std::string& command) {
  std::string text;
  std::array<char, 4096> piece;
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return text;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe)) text.append(piece.data(), got);
  ::pclose(pipe);
  return text;
}

std::string last_address(const std::string& interface_line) {
  std::istringstream words(interface_line);
  std::string word, mac;
  while (words >> word) {
    if (word == "link/ether") words >> mac;
  }
  return mac;
}

Bytes parse_mac(const std::string& text) {
  Bytes mac;
  for (std::size_t at = 0; at + 1 < text.size(); at += 3)
    mac.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(at, 2), nullptr, 16)));
  return mac;
}

}  // namespace

PacketGateway::PacketGateway() : prefix_("weft-pk-" + std::to_string(getpid()) + "-") {
  inside_.name = prefix_ + "in";
  outside_.name = prefix_ + "out";
  inside_.follow_up = {IpAddress::v4(10, 255, 0, 1), 9};
  outside_.follow_up = {IpAddress::v4(172, 31, 255, 1), 9};
  stay_on_this_processor();
  ready_ = build();
}

PacketGateway::~PacketGateway() {
  for (const Wire* wire : {&inside_, &outside_}) {
    if (wire->socket >= 0) ::close(wire->socket);
  }
  for (const char* name : {"in", "gw", "out"}) run_quietly("ip netns del " + prefix_ + name);
}

bool PacketGateway::build() {
  const std::string in = "ip -n " + prefix_ + "in ", gw = "ip -n " + prefix_ + "gw ", out = "ip -n " + prefix_ + "out ";
  const std::string in_gateway = "ip netns exec " + prefix_ + "gw ";
  const std::string script = "/tmp/" + prefix_ + "rules";
  std::ofstream(script) << kRules;
  const std::string in_mac = "02:00:00:00:00:01", out_mac = "02:00:00:00:00:02";
  const std::vector<std::string> steps{
      "ip netns add " + prefix_ + "in",
      "ip netns add " + prefix_ + "gw",
      "ip netns add " + prefix_ + "out",
      gw + "link add inside type veth peer name eth0 netns " + prefix_ + "in",
      gw + "link add outside type veth peer name eth0 netns " + prefix_ + "out",
      in + "link set eth0 address " + in_mac + " up",
      out + "link set eth0 address " + out_mac + " up",
      gw + "addr add 192.168.77.254/24 dev inside",
      gw + "addr add 203.0.113.1/24 dev outside",
      gw + "link set inside up",
      gw + "link set outside up",
      gw + "neigh add 192.168.77.1 lladdr " + in_mac + " dev inside nud permanent",
      gw + "neigh add 203.0.113.254 lladdr " + out_mac + " dev outside nud permanent",
      gw + "route add 10.0.0.0/8 via 192.168.77.1",
      gw + "route add 172.16.0.0/12 via 203.0.113.254",
      in_gateway + "sysctl -qw net.ipv4.ip_forward=1",
      in_gateway + "nft -f " + script,
      in_gateway + "sysctl -qw net.netfilter.nf_conntrack_tcp_be_liberal=1",
  };
  bool built = true;
  for (const std::string& step : steps) built = built && run_quietly(step);
  std::remove(script.c_str());
  return built && open(inside_, "inside") && open(outside_, "outside");
}

bool PacketGateway::open(Wire& wire, const std::string& gateway_interface) {
  wire.gateway_mac = parse_mac(last_address(output_of("ip -n " + prefix_ + "gw -o link show " + gateway_interface)));
  const int ns = ::open(("/run/netns/" + wire.name).c_str(), O_RDONLY | O_CLOEXEC);
  if (ns < 0 || wire.gateway_mac.size() != 6) return false;
  {
    const Inside scope(ns);
    wire.socket = ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP));
    wire.index = static_cast<int>(if_nametoindex("eth0"));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = wire.index;
    if (::bind(wire.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  }
  ::close(ns);
  return true;
}

void PacketGateway::put(Wire& wire, ByteView packet) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_ifindex = wire.index;
  to.sll_halen = 6;
  std::copy(wire.gateway_mac.begin(), wire.gateway_mac.end(), to.sll_addr);
  const auto sent =
      ::sendto(wire.socket, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent != static_cast<ssize_t>(packet.size())) std::abort();
}

std::optional<Bytes> PacketGateway::take(Wire& wire) {
  Bytes packet(2048);
  while (true) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const auto got =
        ::recvfrom(wire.socket, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got > 0 && from.sll_pkttype == PACKET_OUTGOING) continue;
    if (got > 0) {
      packet.resize(static_cast<std::size_t>(got));
      return packet;
    }
    pollfd waiting{wire.socket, POLLIN, 0};
    if (::poll(&waiting, 1, 2000) != 1) return std::nullopt;
  }
}

std::optional<Bytes> PacketGateway::pass(Wire& from, ByteView packet, Wire& to) {
  std::array<std::uint8_t, 2> number{};
  store_u16be(number.data(), ++sent_);
  put(from, packet);
  put(from, nat::udp(from.follow_up, to.follow_up, number));
  std::optional<Bytes> passed;
  while (auto arrived = take(to)) {
    const bool follow_up = (*arrived)[9] == 17 && load_u16be(&(*arrived)[22]) == 9;
    if (follow_up && load_u16be(&(*arrived)[28]) == sent_) return passed;
    const bool igmp = (*arrived)[9] == 2;  // the kernel joins groups
    if (!follow_up && !igmp) passed = std::move(arrived);
  }
  return passed;
}

std::optional<int> PacketGateway::seconds_left(const std::string& protocol, const Endpoint& internal,
                                               const Endpoint& remote) {
  const std::string list = output_of("ip netns exec " + prefix_ + "gw conntrack -L -p " + protocol + " -s " +
                                     internal.address.to_string() + " -d " + remote.address.to_string());
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, number, word;
    int seconds = 0;
    words >> name >> number >> seconds;
    bool right =
        protocol == "icmp" ? line.find("id=" + std::to_string(internal.port) + " ") != std::string::npos : true;
    if (protocol != "icmp") {
      right = line.find("sport=" + std::to_string(internal.port) + " dport=" + std::to_string(remote.port) + " ") !=
              std::string::npos;
    }
    if (right) return seconds;
  }
  return std::nullopt;
}

void PacketGateway::flush() { run_quietly("ip netns exec " + prefix_ + "gw conntrack -F"); }

}  // namespace weft::test

// SPDX-License-Identifier: GPL-2.0-only
#include "tests/differential/netfilter/kernel_gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "mesh/base/bytes.h"
#include "tests/differential/netfilter/namespaces.h"

namespace weft::test {
namespace {

sockaddr_in to_sockaddr(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
  return address;
}

Endpoint from_sockaddr(const sockaddr_in& address) {
  return {IpAddress::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
}

}  // namespace

KernelGateway::KernelGateway(const Rules& rules) : prefix_("weft-nf-" + std::to_string(getpid()) + "-") {
  inside_.name = prefix_ + "in";
  outside_.name = prefix_ + "out";
  stay_on_this_processor();
  ready_ = build(rules);
}

KernelGateway::~KernelGateway() {
  close_sockets();
  for (Side* side : {&inside_, &outside_}) {
    if (side->follow_up >= 0) close(side->follow_up);
    if (side->ns >= 0) close(side->ns);
  }
  for (const char* name : {"in", "gw", "out"}) run_quietly("ip netns del " + prefix_ + name);
}

void KernelGateway::close_sockets() {
  for (Side* side : {&inside_, &outside_}) {
    for (const auto& [local, socket] : side->sockets) close(socket);
    side->sockets.clear();
  }
}

void KernelGateway::flush() { run_quietly("ip netns exec " + prefix_ + "gw conntrack -F"); }

std::string KernelGateway::rule_script(const Rules& rules) const {
  std::string script =
      "add table ip t\n"
      "add chain ip t pre { type nat hook prerouting priority -100; }\n"
      "add chain ip t post { type nat hook postrouting priority 100; }\n"
      "add chain ip t through { type filter hook forward priority 0; }\n"
      "add chain ip t input { type filter hook input priority 0; }\n"
      "add rule ip t through udp dport 9 accept\n";  // follow-up packets pass everywhere
  for (const std::string& set : rules.sets) script += "add set ip t " + set + "\n";
  for (const std::string& rule : rules.postrouting)
    script += "add rule ip t post oifname outside udp dport != 9 " + rule + "\n";
  for (const std::string& rule : rules.prerouting) script += "add rule ip t pre iifname outside " + rule + "\n";
  for (const std::string& rule : rules.forward) script += "add rule ip t through " + rule + "\n";
  return script + "add rule ip t input iifname outside meta l4proto udp " + (rules.input_accepts ? "accept" : "drop") +
         "\n";
}

bool KernelGateway::build(const Rules& rules) {
  const std::string in = "ip -n " + prefix_ + "in ", gw = "ip -n " + prefix_ + "gw ", out = "ip -n " + prefix_ + "out ";
  const std::string in_gateway = "ip netns exec " + prefix_ + "gw ";
  const std::string script = "/tmp/" + prefix_ + "rules";
  std::ofstream(script) << rule_script(rules);
  const std::vector<std::string> steps{"ip netns add " + prefix_ + "in",
                                       "ip netns add " + prefix_ + "gw",
                                       "ip netns add " + prefix_ + "out",
                                       gw + "link add inside type veth peer name eth0 netns " + prefix_ + "in",
                                       gw + "link add outside type veth peer name eth0 netns " + prefix_ + "out",
                                       in + "link set lo up",
                                       in + "addr add 192.168.77.1/24 dev eth0",
                                       in + "link set eth0 up",
                                       in + "route add local 10.0.0.0/8 dev lo",
                                       gw + "addr add 192.168.77.254/24 dev inside",
                                       gw + "addr add 203.0.113.1/24 dev outside",
                                       gw + "link set inside up",
                                       gw + "link set outside up",
                                       gw + "route add 10.0.0.0/8 via 192.168.77.1",
                                       out + "link set lo up",
                                       out + "addr add 203.0.113.254/24 dev eth0",
                                       out + "link set eth0 up",
                                       out + "route add local 172.16.0.0/12 dev lo",
                                       out + "route add 10.0.0.0/8 via 203.0.113.1",
                                       out + "route add 192.168.77.0/24 via 203.0.113.1",
                                       in + "route add default via 192.168.77.254",
                                       gw + "route add 172.16.0.0/12 via 203.0.113.254",
                                       in_gateway + "sysctl -qw net.ipv4.ip_forward=1",
                                       in_gateway + "nft -f " + script};
  bool built = true;
  for (const std::string& step : steps) built = built && run_quietly(step);
  std::remove(script.c_str());
  if (!built) return false;
  inside_.ns = open(("/run/netns/" + inside_.name).c_str(), O_RDONLY | O_CLOEXEC);
  outside_.ns = open(("/run/netns/" + outside_.name).c_str(), O_RDONLY | O_CLOEXEC);
  if (inside_.ns < 0 || outside_.ns < 0) return false;
  inside_.follow_up_at = {IpAddress::v4(192, 168, 77, 1), 9};
  outside_.follow_up_at = {IpAddress::v4(203, 0, 113, 254), 9};
  for (Side* side : {&inside_, &outside_}) side->follow_up = open_socket(*side, side->follow_up_at);
  return true;
}

int KernelGateway::open_socket(Side& side, const Endpoint& local) {
  const Inside scope(side.ns);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = to_sockaddr(local);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  return socket;
}

int KernelGateway::socket_of(Side& side, const Endpoint& local) {
  const auto found = side.sockets.find(local);
  if (found != side.sockets.end()) return found->second;
  return side.sockets[local] = open_socket(side, local);
}

/// The datagram with that number, if it lies in a socket; older ones are thrown away.
KernelGateway::Arrival KernelGateway::look(Side& side, std::uint32_t number) {
  for (const auto& [local, socket] : side.sockets) {
    std::uint8_t content[4];
    sockaddr_in source{};
    socklen_t size = sizeof source;
    while (recvfrom(socket, content, sizeof content, 0, reinterpret_cast<sockaddr*>(&source), &size) == 4) {
      if (load_u32be(content) == number) return std::pair{local, from_sockaddr(source)};
    }
  }
  return std::nullopt;
}

void KernelGateway::wait_for_follow_up(Side& from, Side& to) {
  const sockaddr_in address = to_sockaddr(to.follow_up_at);
  sendto(from.follow_up, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  pollfd waiting{to.follow_up, POLLIN, 0};
  poll(&waiting, 1, 2000);
  char byte;
  while (recv(to.follow_up, &byte, 1, 0) == 1) {
  }
}

KernelGateway::Arrival KernelGateway::send(Side& from, const Endpoint& source, Side& to, const Endpoint& target,
                                           bool expected) {
  std::uint8_t content[4];
  store_u32be(content, ++sent_);
  const sockaddr_in address = to_sockaddr(target);
  const int socket = socket_of(from, source);
  sendto(socket, content, sizeof content, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (!expected) wait_for_follow_up(from, to);
  if (auto arrived = look(to, sent_)) return arrived;
  for (int tries = 0; expected && tries < 40; ++tries) {
    std::vector<pollfd> waiting;
    for (const auto& [local, receiver] : to.sockets) waiting.push_back({receiver, POLLIN, 0});
    poll(waiting.data(), waiting.size(), 50);
    if (auto arrived = look(to, sent_)) return arrived;
  }
  return std::nullopt;
}

KernelGateway::Arrival KernelGateway::send_out(const Endpoint& internal, const Endpoint& remote, bool expected) {
  socket_of(outside_, remote);
  return send(inside_, internal, outside_, remote, expected);
}

KernelGateway::Arrival KernelGateway::send_in(const Endpoint& remote, const Endpoint& external, bool expected) {
  return send(outside_, remote, inside_, external, expected);
}

}  // namespace weft::test

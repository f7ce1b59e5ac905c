// SPDX-License-Identifier: GPL-2.0-only
#include "tests/differential/netfilter/kernel_gateway.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "mesh/base/bytes.h"

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

/// The calling thread is in another network namespace while this exists.
class Inside {
 public:
  explicit Inside(int ns) : before_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) { setns(ns, CLONE_NEWNET); }
  ~Inside() {
    if (setns(before_, CLONE_NEWNET) != 0) std::abort();
    close(before_);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  int before_;
};

}  // namespace

KernelGateway::KernelGateway(const Rules& rules) : prefix_("weft-nf-" + std::to_string(getpid()) + "-") {
  inside_.name = prefix_ + "in";
  outside_.name = prefix_ + "out";
  ready_ = build(rules);
}

KernelGateway::~KernelGateway() {
  for (Side* side : {&inside_, &outside_}) {
    for (const auto& [local, socket] : side->sockets) close(socket);
    if (side->ns >= 0) close(side->ns);
  }
  for (const char* name : {"in", "gw", "out"}) run("ip netns del " + prefix_ + name);
}

bool KernelGateway::run(const std::string& command) { return std::system((command + " 2>/dev/null").c_str()) == 0; }

bool KernelGateway::build(const Rules& rules) {
  const std::string in = "ip -n " + prefix_ + "in ", gw = "ip -n " + prefix_ + "gw ", out = "ip -n " + prefix_ + "out ";
  const std::string in_gateway = "ip netns exec " + prefix_ + "gw ";
  const std::vector<std::string> steps{
      "ip netns add " + prefix_ + "in",
      "ip netns add " + prefix_ + "gw",
      "ip netns add " + prefix_ + "out",
      gw + "link add inside type veth peer name eth0 netns " + prefix_ + "in",
      gw + "link add outside type veth peer name eth0 netns " + prefix_ + "out",
      in + "addr add 10.0.0.1/24 dev eth0",
      in + "addr add 10.0.0.2/24 dev eth0",
      in + "link set eth0 up",
      gw + "addr add 10.0.0.254/24 dev inside",
      gw + "addr add 203.0.113.1/24 dev outside",
      gw + "link set inside up",
      gw + "link set outside up",
      out + "addr add 203.0.113.254/24 dev eth0",
      out + "addr add 192.0.2.1/32 dev eth0",
      out + "addr add 192.0.2.2/32 dev eth0",
      out + "link set eth0 up",
      in + "route add default via 10.0.0.254",
      gw + "route add 192.0.2.0/24 via 203.0.113.254",
      in_gateway + "sysctl -qw net.ipv4.ip_forward=1",
      in_gateway +
          "nft 'add table ip t; add chain ip t post { type nat hook postrouting priority 100; }; "
          "add rule ip t post oifname outside " +
          rules.masquerade +
          "; "
          "add chain ip t input { type filter hook input priority 0; }; "
          "add rule ip t input iifname outside meta l4proto udp " +
          (rules.input_accepts ? "accept" : "drop") + "'"};
  for (const std::string& step : steps) {
    if (!run(step)) return false;
  }
  inside_.ns = open(("/run/netns/" + inside_.name).c_str(), O_RDONLY | O_CLOEXEC);
  outside_.ns = open(("/run/netns/" + outside_.name).c_str(), O_RDONLY | O_CLOEXEC);
  return inside_.ns >= 0 && outside_.ns >= 0;
}

int KernelGateway::socket_of(Side& side, const Endpoint& local) {
  const auto found = side.sockets.find(local);
  if (found != side.sockets.end()) return found->second;
  const Inside scope(side.ns);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = to_sockaddr(local);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  return side.sockets[local] = socket;
}

std::optional<std::pair<Endpoint, Endpoint>> KernelGateway::receive(Side& side, std::uint32_t number, Wait wait) {
  std::vector<pollfd> waiting;
  for (const auto& [local, socket] : side.sockets) waiting.push_back({socket, POLLIN, 0});
  while (poll(waiting.data(), waiting.size(), static_cast<int>(wait)) > 0) {
    auto entry = side.sockets.begin();
    for (std::size_t i = 0; i < waiting.size(); ++i, ++entry) {
      if (!(waiting[i].revents & POLLIN)) continue;
      std::uint8_t content[4];
      sockaddr_in source{};
      socklen_t size = sizeof source;
      const auto length =
          recvfrom(waiting[i].fd, content, sizeof content, 0, reinterpret_cast<sockaddr*>(&source), &size);
      if (length == 4 && load_u32be(content) == number) return std::pair{entry->first, from_sockaddr(source)};
    }
  }
  return std::nullopt;
}

std::optional<std::pair<Endpoint, Endpoint>> KernelGateway::send(Side& from, const Endpoint& source, Side& to,
                                                                 const Endpoint& target, Wait wait) {
  std::uint8_t content[4];
  store_u32be(content, ++sent_);
  const sockaddr_in address = to_sockaddr(target);
  const int socket = socket_of(from, source);
  sendto(socket, content, sizeof content, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return receive(to, sent_, wait);
}

std::optional<std::pair<Endpoint, Endpoint>> KernelGateway::send_out(const Endpoint& internal, const Endpoint& remote,
                                                                     Wait wait) {
  socket_of(outside_, remote);
  return send(inside_, internal, outside_, remote, wait);
}

std::optional<std::pair<Endpoint, Endpoint>> KernelGateway::send_in(const Endpoint& remote, const Endpoint& external,
                                                                    Wait wait) {
  return send(outside_, remote, inside_, external, wait);
}

}  // namespace weft::test

// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "mesh/host/socket_address.h"
#include "mesh/host/system_random.h"
#include "mesh/http/upgrade.h"
#include "mesh/relay/admission.h"
#include "mesh/relay/client_session.h"
#include "tests/bench/relay/relayed_way.h"

namespace weft::load {
namespace {

constexpr int kBuffer = 8 * 1024 * 1024;
constexpr std::chrono::seconds kPatience{10};

Time now() { return Time(std::chrono::steady_clock::now().time_since_epoch()); }
WallTime wall_now() { return WallTime(std::chrono::system_clock::now().time_since_epoch()); }

/// One node at the relay: its stream and its UDP socket, moved by step().
class Client {
 public:
  Client(const Endpoint& relay, host::FileDescriptor stream, host::FileDescriptor udp)
      : relay_(relay),
        stream_(std::move(stream)),
        udp_(std::move(udp)),
        random_(now().time_since_epoch().count(), "x") {
    host::SystemEntropy entropy;
    key_ = crypto::PrivateKey::generate(entropy);
    relay::ClientConfig config{.node_key = key_,
                               .admission = relay::sign({key_.public_key(), wall_now() + 1h}, bench_coordinator()),
                               .relay_key = {}};
    config.udp_endpoints = {relay};
    session_ = std::make_unique<relay::ClientSession>(std::move(config), random_);
  }

  void step() {
    std::array<std::uint8_t, 4096> buffer;
    const ssize_t got = ::recv(stream_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) handle_stream(ByteView(buffer).first(static_cast<std::size_t>(got)));
    const ssize_t datagram = ::recv(udp_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (datagram > 0) {
      const auto received =
          session_->handle_udp(now(), relay_, ByteView(buffer).first(static_cast<std::size_t>(datagram)));
      if (received) ++datagrams_;
    }
    if (upgrade_.agreed()) session_->handle_timeout(now());
    while (session_->poll_event()) {
    }
    while (const auto out = session_->poll_datagram()) ::send(udp_.get(), out->bytes.data(), out->bytes.size(), 0);
    for (auto bytes = upgrade_.poll_write(); bytes; bytes = upgrade_.poll_write()) write(*bytes);
    while (const auto bytes = session_->poll_write()) write(*bytes);
  }

  /// By UDP if there is a channel for the peer, else by the stream, which opens one.
  void send(const Client& to) {
    const Bytes datagram(100, 'x');
    const auto channel = session_->udp_route(now(), to.key_.public_key());
    if (!channel) {
      session_->send(now(), to.key_.public_key(), datagram);
      return;
    }
    header_.resize(relay::kUdpDataHeader);
    relay::write_data_header(header_.data(), channel->channel);
    Bytes whole = header_;
    whole.insert(whole.end(), datagram.begin(), datagram.end());
    ::send(udp_.get(), whole.data(), whole.size(), 0);
  }

  bool bound() const { return session_->udp_bound(); }
  int datagrams() const { return datagrams_; }  // that came over UDP
  const Bytes& header() const { return header_; }
  host::FileDescriptor take_udp() { return std::move(udp_); }
  host::FileDescriptor take_stream() { return std::move(stream_); }

 private:
  void handle_stream(ByteView bytes) {
    if (upgrade_.agreed()) return session_->handle_data(now(), bytes);
    upgrade_.handle_data(bytes);
    if (!upgrade_.agreed()) return;
    session_->start(now());
    session_->handle_data(now(), upgrade_.take_rest());
  }
  void write(const Bytes& bytes) { ::send(stream_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  Endpoint relay_;
  host::FileDescriptor stream_, udp_;
  SeededRandom random_;
  crypto::PrivateKey key_;
  http::UpgradeClient upgrade_{{.host = "relay", .target = "/relay", .protocol = "weft-relay/1"}};
  std::unique_ptr<relay::ClientSession> session_;
  Bytes header_;
  int datagrams_ = 0;
};

Result<std::unique_ptr<Client>> connect(const Endpoint& relay) {
  host::FileDescriptor stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto udp = open_udp({IpAddress::any(IpFamily::v4), 0});
  if (!udp) return std::unexpected(udp.error());
  for (const auto* fd : {&stream, &*udp}) {
    if (const auto connected = connect_to(*fd, relay); !connected) return std::unexpected(connected.error());
  }
  return std::make_unique<Client>(relay, std::move(stream), std::move(*udp));
}

}  // namespace

crypto::SigningKey bench_coordinator() { return *crypto::SigningKey::from_bytes(Bytes(32, 7)); }

Result<host::FileDescriptor> open_udp(const Endpoint& local) {
  const auto address = host::to_socket_address(local);
  host::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::bind(fd.get(), address.get(), address.length) != 0) {
    return host::fail_errno(ErrorCode::io, "UDP " + local.to_string(), errno);
  }
  host::set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kBuffer);
  host::set_option(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, kBuffer);
  host::set_option(fd.get(), IPPROTO_UDP, UDP_GRO, 1);
  return fd;
}

Result<void> connect_to(const host::FileDescriptor& fd, const Endpoint& remote) {
  const auto address = host::to_socket_address(remote);
  if (fd.valid() && ::connect(fd.get(), address.get(), address.length) == 0) return {};
  return host::fail_errno(ErrorCode::io, remote.to_string(), errno);
}

Result<RelayedWay> through_weft(const Endpoint& relay) {
  auto a = connect(relay), b = connect(relay);
  if (!a || !b) return std::unexpected((a ? b : a).error());
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while ((*b)->datagrams() < 3) {
    if (std::chrono::steady_clock::now() > end) return fail(ErrorCode::timeout, "the relay does not forward over UDP");
    if ((*a)->bound() && (*b)->bound()) (*a)->send(**b), (*b)->send(**a);
    for (int i = 0; i < 10; ++i) {
      (*a)->step();
      (*b)->step();
      ::poll(nullptr, 0, 1);
    }
  }
  RelayedWay way{.in = (*a)->take_udp(), .header = (*a)->header(), .out = (*b)->take_udp(), .keep = {}};
  way.keep[0] = (*a)->take_stream();
  way.keep[1] = (*b)->take_stream();
  return way;
}

}  // namespace weft::load

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/nat64_socket.h"

#include "mesh/base/nat64.h"

namespace weft::agent {
namespace {

/// What an IPv6 header is longer than an IPv4 header.
constexpr std::uint32_t kLonger = 20;

Endpoint to_v4(const Prefix& prefix, const Endpoint& endpoint) {
  const auto inside = embedded_ipv4(prefix, endpoint.address);
  return inside ? Endpoint{*inside, endpoint.port} : endpoint;
}

/// RFC 7915 §5.2, as far as a socket hears of errors.
void translate(IcmpError& error, const Prefix& prefix, const Endpoint& local) {
  switch (error.type) {
    case 1:  // destination unreachable; code 4: of a port
      error.code = error.code == 4 ? 3 : 1;
      error.type = 3;
      break;
    case 2:  // packet too big
      error.type = 3;
      error.code = 4;
      error.mtu = error.mtu > kLonger ? error.mtu - kLonger : 0;
      break;
    case 3:  // time exceeded
      error.type = 11;
      break;
    default:
      break;
  }
  error.reporter = to_v4(prefix, {error.reporter, 0}).address;
  error.quoted_source = local;
  error.quoted_destination = to_v4(prefix, error.quoted_destination);
}

}  // namespace

Nat64Socket::Nat64Socket(io::Host& host, io::UdpOptions options, std::function<void(Nat64Socket&)> on_end)
    : host_(host), options_(options), on_end_(std::move(on_end)) {}

Nat64Socket::~Nat64Socket() { on_end_(*this); }

Result<void> Nat64Socket::follow(const std::optional<Prefix>& prefix) {
  prefix_ = prefix;
  auto& socket = prefix ? v6_ : v4_;
  if (socket) return {};
  auto opened = host_.open_udp(
      prefix ? io::UdpOptions{.local = {IpAddress::any(IpFamily::v6), 0}, .interface = options_.interface} : options_);
  if (!opened) return std::unexpected(opened.error());
  socket = std::move(*opened);
  if (handler_) listen(*socket, prefix.has_value());
  return {};
}

void Nat64Socket::start_receive(ReceiveHandler handler) {
  handler_ = std::make_shared<ReceiveHandler>(std::move(handler));
  if (v4_) listen(*v4_, false);
  if (v6_) listen(*v6_, true);
}

/// The handler may destroy this socket.
void Nat64Socket::listen(io::UdpSocket& socket, bool translated) {
  if (!translated)
    return socket.start_receive([handler = handler_](std::span<DatagramSlot> items) { (*handler)(items); });
  socket.start_receive([this, handler = handler_](std::span<DatagramSlot> items) {
    receive_translated(items);
    (*handler)(items);
  });
}

void Nat64Socket::receive_translated(std::span<DatagramSlot> items) const {
  if (!prefix_) return;
  const Endpoint local = local_endpoint();
  for (auto& [slot, meta] : items) {
    meta.source = to_v4(*prefix_, meta.source);
    meta.destination = local;
    if (meta.icmp) translate(*meta.icmp, *prefix_, local);
  }
}

std::size_t Nat64Socket::send(std::span<DatagramSlot> items) {
  if (prefix_ ? v6_ != nullptr : v4_ != nullptr) return prefix_ ? send_translated(items) : v4_->send(items);
  for (DatagramSlot& item : items) item.meta.send_error = SendError::unreachable;
  return 0;
}

std::size_t Nat64Socket::send_translated(std::span<DatagramSlot> items) {
  for (DatagramSlot& item : items) {
    auto& to = item.meta.destination.address;
    if (to.is_v4()) to = embed_ipv4(*prefix_, to);
    item.meta.source.address = IpAddress::any(IpFamily::v6);
  }
  const std::size_t taken = v6_->send(items);
  for (DatagramSlot& item : items) {
    item.meta.destination = to_v4(*prefix_, item.meta.destination);
    item.meta.source.address = IpAddress::any(IpFamily::v4);
  }
  return taken;
}

Endpoint Nat64Socket::local_endpoint() const {
  const auto& socket = prefix_ ? v6_ : v4_;
  return {options_.local.address, socket ? socket->local_endpoint().port : std::uint16_t{0}};
}

}  // namespace weft::agent

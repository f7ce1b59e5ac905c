// SPDX-License-Identifier: GPL-2.0-only
#include "sim/portmap/service.h"

#include <algorithm>
#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/portmap/upnp_igd.h"

namespace weft::gateway_portmap {
namespace {

constexpr std::size_t kMaxCallers = 64;

}  // namespace

PortMappingService::PortMappingService(io::Host& host, nat::Nat& nat, std::vector<IpAddress> inside)
    : host_(host),
      nat_(nat),
      inside_(std::move(inside)),
      store_(nat, host.clock().now()),
      pcp_(store_),
      upnp_(store_, inside_v4() == nullptr ? IpAddress{} : *inside_v4()) {}
PortMappingService::~PortMappingService() = default;

const IpAddress* PortMappingService::inside_v4() const {
  const auto found = std::ranges::find_if(inside_, &IpAddress::is_v4);
  return found == inside_.end() ? nullptr : &*found;
}

Result<void> PortMappingService::start() {
  const auto open = [this](const Endpoint& local, auto handler) -> Result<std::unique_ptr<io::UdpSocket>> {
    auto socket = host_.open_udp({.local = local});
    if (!socket) return socket;
    io::UdpSocket& ref = **socket;
    ref.start_receive([this, &ref, handler](std::span<DatagramSlot> slots) {
      for (const DatagramSlot& item : slots) {
        if (item.meta.icmp) continue;
        if (auto reply = handler(item.meta.source, item.slot.bytes())) answer(ref, item.meta.source, *std::move(reply));
      }
    });
    return socket;
  };
  for (const IpAddress& inside : inside_) {
    if (!offers().pcp && !(offers().nat_pmp && inside.is_v4())) continue;
    auto socket = open({inside, portmap::kServerPort}, [this](const Endpoint& from, ByteView bytes) {
      return pcp_.handle_datagram(host_.clock().now(), from, bytes, offers());
    });
    if (!socket) return std::unexpected(socket.error());
    pcp_sockets_.push_back(std::move(*socket));
  }
  if (!offers().upnp_igd || inside_v4() == nullptr) return {};
  auto socket = open({IpAddress::any(IpFamily::v4), portmap::kSsdpPort},
                     [this](const Endpoint&, ByteView bytes) { return upnp_.handle_search(bytes); });
  if (!socket) return std::unexpected(socket.error());
  ssdp_socket_ = std::move(*socket);
  auto listener = host_.listen({*inside_v4(), kUpnpPort}, [this](auto stream) { accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

void PortMappingService::restart() {
  store_.restart(host_.clock().now());
  pcp_.restart();
}

void PortMappingService::answer(io::UdpSocket& socket, const Endpoint& to, Bytes bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  DatagramSlot item;
  item.slot = {bytes.data(), size, 0, size};
  const IpAddress bound = socket.local_endpoint().address;
  if (!bound.is_unspecified()) {
    item.meta.source.address = bound;
  } else if (inside_v4() != nullptr) {
    item.meta.source.address = *inside_v4();
  }
  item.meta.destination = to;
  socket.send({&item, 1});
}

void PortMappingService::accept(std::unique_ptr<io::Stream> stream) {
  if (callers_.size() >= kMaxCallers) return;
  const std::uint64_t number = ++last_caller_;
  Caller& caller = callers_[number];
  caller.from = stream->remote_endpoint().address;
  caller.stream = std::move(stream);
  caller.stream->start({.on_connected = {},
                        .on_data = [this, number](ByteView bytes) { read(number, bytes); },
                        .on_writable = {},
                        .on_closed = [this, number](const Error&) { forget(number); }});
}

void PortMappingService::read(std::uint64_t number, ByteView bytes) {
  Caller& caller = callers_.at(number);
  caller.parser.handle_data(bytes);
  http::Response response{.status = 400, .reason = {}, .fields = {{"Connection", "close"}}, .body = {}};
  if (const auto request = caller.parser.poll_request()) {
    response = upnp_.handle_request(host_.clock().now(), caller.from, *request);
  } else if (!caller.parser.failed()) {
    return;
  }
  caller.stream->write(http::serialize(response));
  caller.stream->close();
}

void PortMappingService::forget(std::uint64_t number) { callers_.erase(number); }

}  // namespace weft::gateway_portmap

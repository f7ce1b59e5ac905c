// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/tcp_layer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/fabric/router.h"

namespace weft::fabric {
namespace {

/// The end of a connection that a service holds; the connection outlives it to finish its work.
class FabricStream final : public io::Stream {
 public:
  explicit FabricStream(std::shared_ptr<TcpConnection> connection) : connection_(std::move(connection)) {}
  ~FabricStream() override { connection_->detach(); }
  void start(io::StreamHandlers handlers) override { connection_->start(std::move(handlers)); }
  std::size_t write(ByteView bytes) override { return connection_->write(bytes); }
  std::size_t queued() const override { return connection_->queued(); }
  void close() override { connection_->close(); }
  Endpoint local_endpoint() const override { return connection_->local(); }
  Endpoint remote_endpoint() const override { return connection_->remote(); }

 private:
  std::shared_ptr<TcpConnection> connection_;
};

/// Only as this model writes it: behind two no-ops.
void read_sacks(ByteView options, TcpSegment& segment) {
  if (options.size() < 12 || load_u16be(&options[0]) != 0x0101 || options[2] != 5) return;
  segment.sack_count = std::min<std::size_t>({kMaxSack, (options.size() - 4) / 8, (options[3] - 2u) / 8});
  for (std::size_t i = 0; i < segment.sack_count; ++i) {
    segment.sack_blocks[i] = {load_u32be(&options[4 + 8 * i]), load_u32be(&options[8 + 8 * i])};
  }
}

std::optional<TcpSegment> parse_segment(ByteView bytes) {
  if (bytes.size() < kTcpHeader) return std::nullopt;
  const std::size_t header = std::size_t{bytes[12]} >> 4 << 2;
  if (header < kTcpHeader || header > bytes.size()) return std::nullopt;
  TcpSegment segment{.source_port = load_u16be(&bytes[0]),
                     .destination_port = load_u16be(&bytes[2]),
                     .sequence = load_u32be(&bytes[4]),
                     .acknowledgment = load_u32be(&bytes[8]),
                     .flags = bytes[13],
                     .window = load_u16be(&bytes[14])};
  segment.payload = bytes.subspan(header);
  read_sacks(bytes.subspan(kTcpHeader, header - kTcpHeader), segment);
  return segment;
}

}  // namespace

class FabricListener final : public io::StreamListener {
 public:
  FabricListener(TcpLayer& layer, Endpoint local, io::AcceptHandler on_accept)
      : layer_(&layer), local_(local), on_accept_(std::make_shared<io::AcceptHandler>(std::move(on_accept))) {}
  ~FabricListener() override {
    if (layer_ != nullptr) layer_->listeners_.erase(local_);
  }
  Endpoint local_endpoint() const override { return local_; }
  void accept(std::unique_ptr<io::Stream> stream) {
    const auto handler = on_accept_;  // it may destroy this listener
    (*handler)(std::move(stream));
  }
  void power_off() { layer_ = nullptr; }

 private:
  TcpLayer* layer_;
  Endpoint local_;
  std::shared_ptr<io::AcceptHandler> on_accept_;
};

std::size_t TcpLayer::PairHash::operator()(const Pair& pair) const noexcept {
  return std::hash<Endpoint>{}(pair.first) * 31 + std::hash<Endpoint>{}(pair.second);
}

TcpLayer::TcpLayer(FabricHost& host, std::uint64_t seed) : host_(host), random_(seed, "host/" + host.name() + "/tcp") {}

TcpLayer::~TcpLayer() { power_off(); }

EventLoop& TcpLayer::loop() { return host_.internet().loop(); }

std::uint32_t TcpLayer::segment_size(IpFamily family) const {
  return host_.internet().link(host_.node()).mtu - static_cast<std::uint32_t>(ip_header_size(family) + kTcpHeader);
}

std::unique_ptr<io::Stream> TcpLayer::connect(const Endpoint& remote) {
  const IpAddress* source = host_.source_for(remote.address);
  Endpoint local{source != nullptr ? *source : IpAddress::any(remote.address.family()), 0};
  local.port = host_.ephemeral_port([&](std::uint16_t port) {
    return port_taken({local.address, port}) || connections_.contains({{local.address, port}, remote});
  });
  return open(local, remote, source != nullptr);
}

std::unique_ptr<io::Stream> TcpLayer::connect_from(std::uint16_t port, const Endpoint& remote) {
  const IpAddress* source = host_.source_for(remote.address);
  return open({source != nullptr ? *source : IpAddress::any(remote.address.family()), port}, remote, source != nullptr);
}

std::unique_ptr<io::Stream> TcpLayer::open(const Endpoint& local, const Endpoint& remote, bool routed) {
  const auto sequence = static_cast<std::uint32_t>(random_.next());
  auto connection = std::make_shared<TcpConnection>(*this, local, remote, sequence);
  if (!routed || !host_.powered()) {
    connection->fail_later({ErrorCode::unreachable, "no route to " + remote.to_string()});
  } else if (connections_.contains({local, remote})) {
    connection->fail_later({ErrorCode::io, "a stream from this port to " + remote.to_string() + " exists"});
  } else {
    connections_[{local, remote}] = connection;
    connection->connect();
  }
  return std::make_unique<FabricStream>(std::move(connection));
}

Result<std::unique_ptr<io::StreamListener>> TcpLayer::listen(const Endpoint& wanted, io::AcceptHandler on_accept) {
  Endpoint local = wanted;
  if (!local.address.is_unspecified() && !host_.owns(local.address)) {
    return fail(ErrorCode::io, "cannot listen on " + local.to_string() + ": not an address of " + host_.name());
  }
  if (local.port == 0) {
    local.port = host_.ephemeral_port([&](std::uint16_t port) { return port_taken({local.address, port}); });
  } else if (port_taken(local)) {
    return fail(ErrorCode::port_taken,
                "TCP port " + local.to_string() + " is in use on " + host_.name() + ": choose another");
  }
  auto listener = std::make_unique<FabricListener>(*this, local, std::move(on_accept));
  listeners_[local] = listener.get();
  return listener;
}

namespace {

class FabricStreamPort final : public io::StreamPort {
 public:
  FabricStreamPort(TcpLayer& layer, std::unique_ptr<io::StreamListener> listener)
      : layer_(layer), listener_(std::move(listener)) {}
  Endpoint local_endpoint() const override { return listener_->local_endpoint(); }
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override {
    return layer_.connect_from(listener_->local_endpoint().port, remote);
  }

 private:
  TcpLayer& layer_;
  std::unique_ptr<io::StreamListener> listener_;
};

}  // namespace

Result<std::unique_ptr<io::StreamPort>> TcpLayer::open_port(const Endpoint& local, io::AcceptHandler on_accept) {
  auto listener = listen(local, std::move(on_accept));
  if (!listener) return std::unexpected(listener.error());
  return std::make_unique<FabricStreamPort>(*this, std::move(*listener));
}

void TcpLayer::receive(Packet& packet, const IpView& ip) {
  const auto segment = parse_segment(ip.payload);
  if (!segment) return host_.internet().router().drop(packet, host_.node(), DropReason::malformed);
  const Pair pair{{ip.destination, segment->destination_port}, {ip.source, segment->source_port}};
  if (const auto found = connections_.find(pair); found != connections_.end()) {
    const auto connection = found->second;  // it may leave the table meanwhile
    connection->receive(*segment);
  } else {
    on_syn(pair, *segment);
  }
  host_.internet().router().give_back(packet);
}

void TcpLayer::on_syn(const Pair& pair, const TcpSegment& segment) {
  const bool syn = (segment.flags & (kSyn | kAck | kRst)) == kSyn;
  if (!syn || find_listener(pair.first) == nullptr) return refuse(pair, segment);
  const auto sequence = static_cast<std::uint32_t>(random_.next());
  auto connection = std::make_shared<TcpConnection>(*this, pair.first, pair.second, sequence);
  connections_[pair] = connection;
  connection->accept(segment);
}

/// RFC 9293 §3.10.7.1.
void TcpLayer::refuse(const Pair& pair, const TcpSegment& segment) {
  if ((segment.flags & kRst) != 0) return;
  if ((segment.flags & kAck) != 0) return send(pair.first, pair.second, kRst, segment.acknowledgment, 0, 0, {}, {});
  const auto length =
      static_cast<std::uint32_t>(segment.payload.size() + ((segment.flags & (kSyn | kFin)) != 0 ? 1 : 0));
  send(pair.first, pair.second, kRst | kAck, 0, segment.sequence + length, 0, {}, {});
}

void TcpLayer::accepted(TcpConnection& connection) {
  FabricListener* listener = find_listener(connection.local());
  auto stream = std::make_unique<FabricStream>(connection.shared_from_this());
  if (listener != nullptr)
    listener->accept(std::move(stream));  // otherwise the stream goes, and with it the connection
}

void TcpLayer::receive_error(const IcmpErrorView& view) {
  const auto found = connections_.find({view.error.quoted_source, view.error.quoted_destination});
  if (found == connections_.end()) return;
  const auto connection = found->second;
  connection->receive_icmp(view.error.mtu != 0, view.error.mtu);
}

void TcpLayer::power_off() {
  for (const auto& [pair, connection] : std::exchange(connections_, {})) connection->kill();
  for (const auto& [local, listener] : std::exchange(listeners_, {})) listener->power_off();
}

void TcpLayer::send(const Endpoint& from, const Endpoint& to, std::uint8_t flags, std::uint32_t sequence,
                    std::uint32_t acknowledgment, std::uint16_t window, std::span<const SackBlock> sacks,
                    ByteView payload) {
  const bool opening = (flags & kSyn) != 0;
  const std::size_t options = opening ? 12 : (sacks.empty() ? 0 : 4 + 8 * sacks.size());
  const std::size_t header = kTcpHeader + options;
  const std::size_t ip = ip_header_size(to.address.family());
  Packet& packet = host_.internet().router().take();
  packet.bytes.resize(ip + header + payload.size());
  write_ip_header(packet.bytes.data(),
                  {.source = from.address, .destination = to.address, .protocol = kTcp, .dont_fragment = true},
                  header + payload.size());
  std::uint8_t* tcp = packet.bytes.data() + ip;
  std::memset(tcp, 0, header);
  store_u16be(tcp, from.port);
  store_u16be(tcp + 2, to.port);
  store_u32be(tcp + 4, sequence);
  store_u32be(tcp + 8, acknowledgment);
  tcp[12] = static_cast<std::uint8_t>(header << 2);
  tcp[13] = flags;
  store_u16be(tcp + 14, window);
  if (opening) {  // maximum segment size, window scale 3, SACK permitted (RFC 9293 §3.2, RFC 7323 §2.2, RFC 2018 §2)
    store_u32be(tcp + 20, 0x02040000 | segment_size(to.address.family()));
    store_u32be(tcp + 24, 0x01030303);
    store_u32be(tcp + 28, 0x01010402);
  } else if (options > 0) {
    store_u32be(tcp + 20, static_cast<std::uint32_t>(0x01010502 + 8 * sacks.size()));
    for (std::size_t i = 0; i < sacks.size(); ++i) {
      store_u32be(tcp + 24 + 8 * i, sacks[i].begin);
      store_u32be(tcp + 28 + 8 * i, sacks[i].end);
    }
  }
  if (!payload.empty()) std::memcpy(tcp + header, payload.data(), payload.size());
  store_transport_checksum(packet.bytes, 16);
  host_.send_packet(packet);
}

void TcpLayer::forget(TcpConnection& connection) {
  const auto found = connections_.find({connection.local(), connection.remote()});
  if (found != connections_.end() && found->second.get() == &connection) connections_.erase(found);
}

FabricListener* TcpLayer::find_listener(const Endpoint& local) const {
  auto found = listeners_.find(local);
  if (found == listeners_.end()) found = listeners_.find({IpAddress::any(local.address.family()), local.port});
  return found == listeners_.end() ? nullptr : found->second;
}

bool TcpLayer::port_taken(const Endpoint& local) const {
  return std::ranges::any_of(listeners_, [&](const auto& entry) {
    const Endpoint& other = entry.first;
    return other.port == local.port && other.address.family() == local.address.family() &&
           (other.address == local.address || other.address.is_unspecified() || local.address.is_unspecified());
  });
}

}  // namespace weft::fabric

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/proxy/connect_proxy.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mesh/io/host.h"

namespace weft::proxy {

ConnectProxy::ConnectProxy(io::Host& host, ConnectProxyOptions options) : host_(host), options_(std::move(options)) {}
ConnectProxy::~ConnectProxy() = default;

Result<void> ConnectProxy::start() {
  auto listener = host_.listen(options_.listen, [this](auto stream) { accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

void ConnectProxy::accept(std::unique_ptr<io::Stream> stream) {
  if (tunnels_.size() >= kMaxTunnels) return;
  ++counters_.accepted;
  const Number number = ++last_;
  Tunnel& tunnel = tunnels_[number];
  tunnel.client.stream = std::move(stream);
  tunnel.client.stream->start({.on_connected = {},
                               .on_data =
                                   [this, number](ByteView bytes) {
                                     Tunnel& here = tunnels_.at(number);
                                     here.asked ? carry(number, here.server, bytes) : read_request(number, bytes);
                                   },
                               .on_writable = [this, number] { flush(tunnels_.at(number).client); },
                               .on_closed = [this, number](const Error&) { closed(number, true); }});
}

bool ConnectProxy::knows(const http::Request& request) const {
  if (!options_.credentials) return true;
  const auto field = std::ranges::find_if(request.fields, [](const http::Field& each) {
    return http::equal_in_any_case(each.name, "Proxy-Authorization");
  });
  return field != request.fields.end() && field->value == http::basic_authorization(*options_.credentials);
}

void ConnectProxy::read_request(Number number, ByteView bytes) {
  Tunnel& tunnel = tunnels_.at(number);
  tunnel.parser.handle_data(bytes);
  if (tunnel.parser.failed()) return refuse(tunnel, 400, "this is no request");
  const auto request = tunnel.parser.poll_request();
  if (!request) return;
  tunnel.asked = true;
  const auto target = Endpoint::parse(request->target);
  if (request->method != "CONNECT") return refuse(tunnel, 405, "this proxy only connects");
  if (!knows(*request)) return refuse(tunnel, 407, "who are you?");
  if (!target) return refuse(tunnel, 502, "this proxy knows no names");
  if (std::ranges::find(options_.connect_ports, target->port) == options_.connect_ports.end())
    return refuse(tunnel, 403, "not to this port");
  connect(number, *target);
}

void ConnectProxy::refuse(Tunnel& tunnel, int status, std::string_view sentence) {
  ++counters_.refused;
  tunnel.asked = true;
  http::Response response{.status = status,
                          .reason = {},
                          .fields = {{"Connection", "close"}, {"Content-Type", "text/plain"}},
                          .body = to_bytes(as_bytes(std::string(sentence) + "\n"))};
  if (status == 407) response.fields.push_back({"Proxy-Authenticate", "Basic realm=\"weft-lab\""});
  tunnel.client.waiting = http::serialize(response);
  tunnel.client.closing = true;
  flush(tunnel.client);
}

void ConnectProxy::connect(Number number, const Endpoint& target) {
  Tunnel& tunnel = tunnels_.at(number);
  tunnel.server.waiting = tunnel.parser.take_rest();
  tunnel.server.stream = host_.connect(target);
  tunnel.server.stream->start(
      {.on_connected =
           [this, number] {
             Tunnel& here = tunnels_.at(number);
             ++counters_.connected;
             here.open = true;
             carry(number, here.client, as_bytes("HTTP/1.1 200 Connection established\r\n\r\n"));
             flush(here.server);
           },
       .on_data = [this, number](ByteView bytes) { carry(number, tunnels_.at(number).client, bytes); },
       .on_writable = [this, number] { flush(tunnels_.at(number).server); },
       .on_closed = [this, number](const Error&) { closed(number, false); }});
}

void ConnectProxy::carry(Number number, End& to, ByteView bytes) {
  if (to.closing) return;
  to.waiting.insert(to.waiting.end(), bytes.begin(), bytes.end());
  if (to.waiting.size() > kMostWaiting) {
    ++counters_.cut;
    host_.post([this, number, alive = std::weak_ptr(alive_)] {  // not inside a handler of one of its streams
      if (!alive.expired()) tunnels_.erase(number);
    });
    return;
  }
  flush(to);
}

void ConnectProxy::flush(End& end) {
  if (!end.stream) return;
  if (!end.waiting.empty()) {
    const std::size_t taken = end.stream->write(end.waiting);
    end.waiting.erase(end.waiting.begin(), end.waiting.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (end.waiting.empty() && std::exchange(end.closing, false)) end.stream->close();
}

void ConnectProxy::closed(Number number, bool client) {
  Tunnel& tunnel = tunnels_.at(number);
  End& gone = client ? tunnel.client : tunnel.server;
  End& other = client ? tunnel.server : tunnel.client;
  gone.stream.reset();
  if (!other.stream) {
    tunnels_.erase(number);
    return;
  }
  if (!client && !tunnel.open) {
    ++counters_.failed;
    return refuse(tunnel, 502, "nobody answers there");
  }
  other.closing = true;
  flush(other);
}

}  // namespace weft::proxy

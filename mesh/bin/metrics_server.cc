// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/metrics_server.h"

#include "mesh/base/time.h"
#include "mesh/http/codec.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"

namespace weft::bin {
namespace {

constexpr std::size_t kMostConnections = 16;
/// A request and its answer take no longer; a client that is silent is not waited for.
constexpr Duration kLimit = 10s;

http::Response answer(const http::Request& request, const std::function<std::string()>& text) {
  http::Response response;
  response.fields = {{"Connection", "close"}};
  const bool known = request.target == "/metrics" || request.target.starts_with("/metrics?");
  if (request.method != "GET") {
    response.status = 405;
    response.fields.push_back({"Allow", "GET"});
  } else if (!known) {
    response.status = 404;
  } else {
    response.fields.push_back({"Content-Type", "text/plain; version=0.0.4; charset=utf-8"});
    const std::string body = text();
    const auto bytes = as_bytes(body);
    response.body.assign(bytes.begin(), bytes.end());
  }
  return response;
}

}  // namespace

class MetricsServer::Connection {
 public:
  Connection(io::Host& host, std::unique_ptr<io::Stream> stream, const std::function<std::string()>& text)
      : text_(text), stream_(std::move(stream)), timer_(host.make_timer([this] { on_end(); })) {
    timer_->arm(host.clock().now() + kLimit);
  }

  void start() {
    stream_->start({.on_connected = {},
                    .on_data = [this](ByteView bytes) { read(bytes); },
                    .on_writable = [this] { write(); },
                    .on_closed = [this](const Error&) { on_end(); }});
  }

  std::function<void()> on_end;

 private:
  void read(ByteView bytes) {
    if (!unsent_.empty()) return;
    parser_.handle_data(bytes);
    if (parser_.failed()) return on_end();
    const auto request = parser_.poll_request();
    if (!request) return;
    unsent_ = http::serialize(answer(*request, text_));
    write();
  }

  void write() {
    sent_ += stream_->write(ByteView(unsent_).subspan(sent_));
    if (!unsent_.empty() && sent_ == unsent_.size()) stream_->close();
  }

  const std::function<std::string()>& text_;
  std::unique_ptr<io::Stream> stream_;
  std::unique_ptr<io::Timer> timer_;
  http::RequestParser parser_;
  Bytes unsent_;
  std::size_t sent_ = 0;
};

MetricsServer::MetricsServer(io::Host& host, std::function<std::string()> text) : host_(host), text_(std::move(text)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::listen(io::Host& host, const Endpoint& local,
                                                             std::function<std::string()> text) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(host, std::move(text)));
  auto listener = host.listen(local, [self = server.get()](std::unique_ptr<io::Stream> stream) {
    if (self->connections_.size() >= kMostConnections) return;
    const auto connection = std::make_shared<Connection>(self->host_, std::move(stream), self->text_);
    self->connections_.insert(connection);
    connection->on_end = [self, gone = std::weak_ptr(connection)] {
      self->host_.post([keep = gone.lock()] {});  // it is in the middle of a call
      self->connections_.erase(gone.lock());
    };
    connection->start();
  });
  if (!listener) return std::unexpected(listener.error());
  server->listener_ = std::move(*listener);
  return server;
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/io/stream.h"
#include "mesh/transport/callbacks.h"

namespace weft::io {
class Host;
}  // namespace weft::io

namespace weft::transport {

/// A client's stream to a name: looked up at start(), then each of its addresses is tried in turn until one connects.
/// An address literal is connected to without a look-up. Before it is connected nothing can be written. on_closed: the
/// codes of io::Resolver and io::Host::connect, of the last address.
class NamedStream final : public io::Stream {
 public:
  NamedStream(io::Host& host, std::string name, std::uint16_t port);
  ~NamedStream() override;

  void start(io::StreamHandlers handlers) override;
  std::size_t write(ByteView bytes) override { return connected_ ? inner_->write(bytes) : 0; }
  std::size_t queued() const override { return inner_ ? inner_->queued() : 0; }
  void close() override;
  /// Unspecified before there is an address.
  Endpoint local_endpoint() const override { return inner_ ? inner_->local_endpoint() : Endpoint{}; }
  Endpoint remote_endpoint() const override { return inner_ ? inner_->remote_endpoint() : Endpoint{}; }

 private:
  void resolved(const Result<std::vector<IpAddress>>& answer);
  void start_inner();
  void handle_closed(const Error& why);

  io::Host& host_;
  std::string name_;
  std::uint16_t port_;
  std::unique_ptr<io::Stream> inner_;
  std::vector<IpAddress> untried_;  // in reverse order
  bool connected_ = false;
  std::shared_ptr<NamedStream*> self_ = std::make_shared<NamedStream*>(this);  // for the resolver's answer
  Callbacks callbacks_;
};

}  // namespace weft::transport

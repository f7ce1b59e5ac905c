// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include "mesh/io/stream.h"
#include "sim/ns3/ns3_host.h"

namespace weft::stack {

/// io::StreamPort: an ns-3 socket that listens, and for each stream that goes out a SharedPortSocket.
class Ns3StreamPort final : public io::StreamPort {
 public:
  static Result<std::unique_ptr<io::StreamPort>> open(Ns3Host& host, const Endpoint& local,
                                                      io::AcceptHandler on_accept);
  Ns3StreamPort(Ns3Host& host, std::unique_ptr<io::StreamListener> listener)
      : host_(host), listener_(std::move(listener)) {}
  Endpoint local_endpoint() const override { return listener_->local_endpoint(); }
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override;

 private:
  Ns3Host& host_;
  std::unique_ptr<io::StreamListener> listener_;
};

}  // namespace weft::stack

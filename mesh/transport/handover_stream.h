// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>

#include "mesh/io/stream.h"
#include "mesh/transport/callbacks.h"

namespace weft::io {
class Host;
}  // namespace weft::io

namespace weft::transport {

/// A stream with two owners, one after the other: the first reads its beginning, then hands it to the second, for whom
/// it is a fresh accepted stream. What arrives between the owners waits, up to io::kStreamQueueLimit.
class HandoverStream final : public io::Stream {
 public:
  HandoverStream(io::Host& host, std::unique_ptr<io::Stream> inner) : host_(host), inner_(std::move(inner)) {}

  /// To be called by the first owner, also from its own on_data: its handlers are called no more, `first` is the first
  /// on_data of the second owner, who calls start().
  void hand_over(Bytes first);

  void start(io::StreamHandlers handlers) override;
  std::size_t write(ByteView bytes) override { return inner_->write(bytes); }
  std::size_t queued() const override { return inner_->queued(); }
  void close() override { inner_->close(); }
  Endpoint local_endpoint() const override { return inner_->local_endpoint(); }
  Endpoint remote_endpoint() const override { return inner_->remote_endpoint(); }

 private:
  void start_inner();
  void handle_data(ByteView bytes);
  void handle_closed(const Error& why);
  bool deliver_early();

  io::Host& host_;
  std::unique_ptr<io::Stream> inner_;
  bool inner_started_ = false;
  bool owned_ = false;
  Bytes early_;
  std::optional<Error> ended_;
  Callbacks callbacks_;
};

}  // namespace weft::transport

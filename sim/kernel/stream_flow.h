// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <vector>

#include "mesh/base/bytes.h"
#include "sim/kernel/flow_ends.h"

namespace weft::kernel {

/// ns3_bulk_send on the kernel's TCP: a client in one namespace writes all it may to a server in another.
class StreamFlow final : public sim::FlowRun {
 public:
  /// Error: io, if the server's port is taken.
  static Result<std::unique_ptr<StreamFlow>> start(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port);
  ~StreamFlow() override;
  sim::FlowSample sample() const override { return sample_; }

 private:
  StreamFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port);
  void connect();
  void write();
  void stop();
  void accept(std::unique_ptr<io::Stream> stream);

  FlowEnds ends_;
  sim::FlowPlan plan_;
  std::uint16_t port_;
  Bytes block_;
  std::uint64_t written_ = 0;
  bool connected_ = false;
  sim::FlowSample sample_;
  std::unique_ptr<io::StreamListener> listener_;
  std::vector<std::unique_ptr<io::Stream>> accepted_;
  std::unique_ptr<io::Stream> client_;
  std::unique_ptr<io::Timer> start_, stop_;
};

}  // namespace weft::kernel

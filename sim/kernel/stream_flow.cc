// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/stream_flow.h"

#include <algorithm>

#include "sim/kernel/clock.h"
#include "sim/traffic/canary.h"

namespace weft::kernel {

Result<std::unique_ptr<StreamFlow>> StreamFlow::start(const FlowEnds& ends, const sim::FlowPlan& plan,
                                                      std::uint16_t port) {
  std::unique_ptr<StreamFlow> flow(new StreamFlow(ends, plan, port));
  const Inside inside(ends.to);
  auto listener =
      ends.host.listen({IpAddress::any(plan.destination.family()), port},
                       [raw = flow.get()](std::unique_ptr<io::Stream> stream) { raw->accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  flow->listener_ = std::move(*listener);
  return flow;
}

StreamFlow::StreamFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port)
    : ends_(ends),
      plan_(plan),
      port_(port),
      block_(traffic::make_payload(port, 0, std::max<std::size_t>(plan.packet, traffic::kCanary.size() + 16))),
      start_(ends.host.make_timer([this] { connect(); })),
      stop_(ends.host.make_timer([this] { stop(); })) {
  start_->arm(plan.start);
  if (plan.stop) stop_->arm(*plan.stop);
}

StreamFlow::~StreamFlow() = default;

void StreamFlow::connect() {
  const Inside inside(ends_.from);
  client_ = ends_.host.connect({plan_.destination, port_});
  client_->start({.on_connected =
                      [this] {
                        connected_ = true;
                        write();
                      },
                  .on_data = [](ByteView) {},
                  .on_writable = [this] { write(); },
                  .on_closed = [this](const Error&) { client_.reset(); }});
}

/// Until the stream takes no more for now, or all is written.
void StreamFlow::write() {
  while (client_ && connected_) {
    std::size_t size = block_.size();
    if (plan_.bytes > 0) size = static_cast<std::size_t>(std::min<std::uint64_t>(size, plan_.bytes - written_));
    if (size == 0) return stop();
    const std::size_t taken = client_->write(ByteView(block_).first(size));
    written_ += taken;
    if (taken < size) return;
  }
}

void StreamFlow::stop() {
  connected_ = false;
  if (client_) client_->close();
}

void StreamFlow::accept(std::unique_ptr<io::Stream> stream) {
  accepted_.push_back(std::move(stream));
  accepted_.back()->start({.on_connected = [] {},
                           .on_data = [this](ByteView bytes) { note(sample_, bytes.size(), now()); },
                           .on_writable = [] {},
                           .on_closed = [](const Error&) {}});
}

}  // namespace weft::kernel

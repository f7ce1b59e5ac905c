// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/wire_log.h"

#include "sim/trace/recorder.h"

namespace weft::stack {

void WireLog::add_node(fabric::NodeId node, const std::string& name, bool gateway) {
  if (recorder_ == nullptr) return;
  recorder_->name(node, name);
  if (gateway) gateways_.insert(node);
}

std::uint64_t WireLog::record(const fabric::WireEvent& event, std::uint64_t cause) {
  using fabric::Direction;
  tracing::Kind kind = tracing::Kind::sent;
  if (event.direction != Direction::sent) {
    kind = event.direction == Direction::received ? tracing::Kind::received : tracing::Kind::dropped;
  }
  tracing::Interface where = tracing::Interface::eth0;
  if (gateways_.contains(event.node)) {
    where = event.interface == 1 ? tracing::Interface::inside : tracing::Interface::outside;
  }
  return recorder_->record({.cause = cause,
                            .at = event.at,
                            .node = event.node,
                            .kind = kind,
                            .interface = where,
                            .packet = event.bytes,
                            .reason = kind == tracing::Kind::dropped ? to_string(event.reason) : std::string_view()});
}

}  // namespace weft::stack

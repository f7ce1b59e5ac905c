// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/recorder.h"

namespace weft::tracing {

class Recorder::Sink final : public TraceSink {
 public:
  Sink(Recorder& recorder, NodeId node, std::function<EventId()> cause)
      : recorder_(recorder), node_(node), cause_(std::move(cause)) {}
  void record(const TraceEvent& said) override {
    recorder_.record({.cause = cause_(),
                      .at = said.time,
                      .node = node_,
                      .kind = Kind::agent,
                      .interface = Interface::none,
                      .said = &said});
  }
  bool wants(TraceLevel) const override { return true; }

 private:
  Recorder& recorder_;
  NodeId node_;
  std::function<EventId()> cause_;
};

Recorder::Recorder() = default;
Recorder::~Recorder() = default;

EventId Recorder::record(const Event& event) {
  ++last_;
  for (const auto& writer : writers_) writer->write(last_, event, names_[event.node]);
  return last_;
}

EventId Recorder::record_translation(Event event, const Flow& before) {
  event.kind = Kind::translated;
  event.before = before;
  const auto after = flow_of(event.packet);
  if (after && (after->from != before.from || after->to != before.to)) {
    // Outwards the source has changed, inwards the destination: inner and outer endpoint are its two values.
    const bool outwards = after->from != before.from;
    const Endpoint& inner = outwards ? before.from : after->to;
    const Endpoint& outer = outwards ? after->from : before.to;
    auto& numbers = mappings_[event.node].numbers;
    const Pair pair{std::to_string(before.protocol) + " " + inner.to_string(), outer.to_string()};
    event.mapping = numbers.try_emplace(pair, numbers.size() + 1).first->second;
  }
  return record(event);
}

TraceSink& Recorder::sink(NodeId node, std::function<EventId()> cause) {
  sinks_.push_back(std::make_unique<Sink>(*this, node, std::move(cause)));
  return *sinks_.back();
}

EventId Recorder::cause_of(const std::uint8_t* at, EventId otherwise) const {
  for (auto held = held_.rbegin(); held != held_.rend(); ++held) {
    if (at >= held->begin && at < held->end) return held->id;
  }
  return otherwise;
}

}  // namespace weft::tracing

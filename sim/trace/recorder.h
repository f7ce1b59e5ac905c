// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/trace/event.h"

namespace weft::tracing {

/// Takes events in order, with the name of their node.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(EventId id, const Event& event, const std::string& node) = 0;
};

/// What a world tells of everything that happens in it. Looks on only: a run with a recorder and one without have the
/// same trace hash.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void add(std::unique_ptr<Writer> writer) { writers_.push_back(std::move(writer)); }
  void name(NodeId node, std::string name) { names_[node] = std::move(name); }
  const std::string& name_of(NodeId node) { return names_[node]; }

  /// Numbers the event and hands it to the writers.
  EventId record(const Event& event);
  /// A gateway has let a packet pass, which came as `before` and is `event.packet` now. Finds the mapping: gateways
  /// number the pairs of inner and outer endpoint in order of appearance.
  EventId record_translation(Event event, const Flow& before);
  /// A sink for the services of a node, whose events have `cause()` for a cause. Lives as long as the recorder.
  TraceSink& sink(NodeId node, std::function<EventId()> cause);

  /// Which event a piece of memory belongs to, while a service has a batch of packets in its hands: it seals and opens
  /// them in place, so what it sends from there goes back to what it was given there.
  class Batch {
   public:
    explicit Batch(Recorder* recorder) : recorder_(recorder), before_(recorder ? recorder->held_.size() : 0) {}
    ~Batch() {
      if (recorder_ != nullptr) recorder_->held_.resize(before_);
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    void hold(const std::uint8_t* memory, std::size_t size, EventId id) {
      if (recorder_ != nullptr) recorder_->held_.push_back({memory, memory + size, id});
    }

   private:
    Recorder* recorder_;
    std::size_t before_;
  };
  /// The event that holds the memory at `at`, or `otherwise`.
  EventId cause_of(const std::uint8_t* at, EventId otherwise) const;

 private:
  class Sink;
  struct Held {
    const std::uint8_t* begin;
    const std::uint8_t* end;
    EventId id;
  };
  using Pair = std::pair<std::string, std::string>;  // protocol and inner endpoint, outer endpoint
  struct Mappings {
    std::map<Pair, std::uint64_t> numbers;
  };

  EventId last_ = 0;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::map<NodeId, std::string> names_;
  std::map<NodeId, Mappings> mappings_;
  std::vector<Held> held_;
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace weft::tracing

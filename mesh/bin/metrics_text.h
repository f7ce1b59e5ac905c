// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weft::agent {
struct AgentStatus;
}
namespace weft::relay_server {
struct RelayServerStatus;
}
namespace weft::coordinator {
class Coordinator;
}

namespace weft::bin {

/// Samples in the text format 0.0.4 of Prometheus: a family is begun once, then come its samples.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// `type`: "gauge" or "counter" (whose name ends in _total).
  MetricsText& family(std::string_view name, std::string_view type, std::string_view help);
  MetricsText& sample(double value, Labels labels = {});
  MetricsText& sample(std::uint64_t value, Labels labels = {});
  MetricsText& sample(bool value, Labels labels = {}) { return sample(static_cast<std::uint64_t>(value), labels); }
  std::string take() { return std::move(text_); }

 private:
  void write(const std::string& value, Labels labels);
  std::string name_;
  std::string text_;
};

/// What a daemon tells a monitoring system; docs/operations.md lists the families.
std::string agent_metrics(const agent::AgentStatus& status, bool up);
std::string relay_metrics(const relay_server::RelayServerStatus& status);
std::string coordinator_metrics(const coordinator::Coordinator& coordinator);

}  // namespace weft::bin

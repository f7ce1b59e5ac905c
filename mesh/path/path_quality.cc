// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/path_quality.h"

#include <algorithm>
#include <utility>

namespace weft::path {
namespace {

constexpr double kPrior = 100;
double in_seconds(Duration duration) { return static_cast<double>(duration / 1us) / 1e6; }

constexpr std::uint32_t kMaxOvertaken = 10'000;

/// By Newton's rule: the same bits everywhere, without a math library. `value` is at most 1.
double square_root(double value) {
  if (value <= 0) return 0;
  double root = 1;
  for (int i = 0; i < 24; ++i) root = (root + value / root) / 2;
  return root;
}

}  // namespace

void PathQuality::answered(Duration rtt) {
  if (rtt_ == Duration{0}) {
    rtt_ = least_rtt_ = rtt;
    jitter_ = rtt / 8;
    return;
  }
  const Duration error = rtt - rtt_;
  jitter_ += ((error < Duration{0} ? -error : error) - jitter_) / 8;
  rtt_ += error / 8;
  least_rtt_ = std::min(rtt, least_rtt_ + (rtt_ - least_rtt_) / 256);
}

void PathQuality::scale(double factor) {
  for (double* sum : {&sent_, &lost_, &lost_squared_, &lost_sent_, &sent_squared_}) *sum *= factor;
}

/// What was overtaken by a probe counts as lost in one report and as found in the next.
void PathQuality::report(Time now, const LossReport& report) {
  if (!last_) {
    last_ = report;
    return;
  }
  const std::uint32_t sent = report.sent - last_->sent;
  if (static_cast<std::int32_t>(sent) <= 0) return;  // an answer that was overtaken
  const std::uint32_t received = report.received - last_->received;
  last_ = report;
  if (received > sent + kMaxOvertaken) return;  // the peer has begun to count anew
  const Duration passed = now - aged_;
  aged_ = now;
  const double n = sent, lost = static_cast<std::int32_t>(sent - received);
  if (passed >= kMemory) {
    scale(0);
  } else {
    scale(1 - in_seconds(passed) / in_seconds(kMemory));
  }
  sent_ += n;
  lost_ = std::clamp(lost_ + lost, 0.0, sent_);
  lost_squared_ += lost * lost;
  lost_sent_ += lost * n;
  sent_squared_ += n * n;
  const double window = std::max(kWindow, n * in_seconds(kLeastMemory) / std::max(in_seconds(passed), 0.001));
  if (sent_ > window) scale(window / sent_);
}

double PathQuality::loss(double sigmas) const {
  const double p = (lost_ + kPrior * kLossFloor) / (sent_ + kPrior);
  // How much more the reports differ than independent losses would (the index of dispersion).
  const double spread = lost_squared_ - 2 * p * lost_sent_ + p * p * sent_squared_;
  const double clusters = std::clamp(spread / (p * (1 - p) * (sent_ + kPrior)), 1.0, 50.0);
  return std::clamp(p + sigmas * square_root(std::min(1.0, clusters * p * (1 - p) / (sent_ + kPrior))), kLossFloor,
                    0.999);
}

double PathQuality::worth(double sigmas) const {
  const double p = loss(-sigmas);
  const double time = static_cast<double>((rtt_ + jitter_) / 1us) + 1000;
  return (1 - p) * (1 - p) / (time * time * p);
}

const PathCounts::Counts* PathCounts::find(const PathId& path) const {
  const auto found = std::find_if(counts_.begin(), counts_.end(), [&](const Counts& one) { return one.path == path; });
  return found == counts_.end() ? nullptr : &*found;
}

PathCounts::Counts* PathCounts::find(const PathId& path) {
  return const_cast<Counts*>(std::as_const(*this).find(path));
}

void PathCounts::add_sent(const PathId& path, std::uint32_t datagrams) {
  if (Counts* counts = find(path)) counts->sent += datagrams;
}

void PathCounts::add_received(Time now, const PathId& path, std::uint32_t datagrams) {
  Counts* counts = find(path);
  if (!counts) {
    if (counts_.size() == kMaxPaths) {
      counts_.erase(std::min_element(counts_.begin(), counts_.end(),
                                     [](const Counts& a, const Counts& b) { return a.heard < b.heard; }));
    }
    counts = &counts_.emplace_back(Counts{.path = path, .sent = 0, .received = 0, .heard = now});
  }
  counts->received += datagrams;
  counts->heard = now;
}

std::uint32_t PathCounts::sent(const PathId& path) const {
  const Counts* counts = find(path);
  return counts ? counts->sent : 0;
}

std::uint32_t PathCounts::received(const PathId& path) const {
  const Counts* counts = find(path);
  return counts ? counts->received : 0;
}

}  // namespace weft::path

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "mesh/base/optional_time.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"

namespace weft::agent {

/// The one timer of a core: armed at its next_deadline() after every call.
class CoreTimer {
 public:
  /// A handler that is one pointer, such as a lambda with `this` alone, takes no memory besides: what the timer is
  /// given then fits into a std::function.
  template <typename Handler>
  CoreTimer(io::Host& host, Handler handler)
      : timer_(host.make_timer([this, handler = std::move(handler)] {
          armed_.reset();
          handler();
        })) {}

  void arm(std::optional<Time> deadline) {
    if (deadline == armed_) return;
    armed_ = deadline;
    if (deadline) {
      timer_->arm(*deadline);
    } else {
      timer_->cancel();
    }
  }

 private:
  OptionalTime armed_;
  std::unique_ptr<io::Timer> timer_;
};

}  // namespace weft::agent

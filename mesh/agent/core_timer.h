// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/optional_time.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"

namespace weft::agent {

/// The one timer of a core: armed at its next_deadline() after every call.
class CoreTimer {
 public:
  CoreTimer(io::Host& host, std::function<void()> handler)
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

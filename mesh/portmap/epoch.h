// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/time.h"

namespace weft::portmap {

/// A server's seconds since it lost its state, as far as it has been heard (RFC 6886 §3.6, RFC 6887 §8.5).
class Epoch {
 public:
  /// Takes an answer's epoch. True: it is not where the last one says it should be, so the server has restarted.
  bool note(Time now, std::uint32_t epoch_s);

 private:
  struct Heard {
    Time at;
    std::uint32_t epoch_s;
  };
  std::optional<Heard> last_;
};

}  // namespace weft::portmap

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::io {

/// Names to addresses, as the host does it.
class Resolver {
 public:
  using Handler = std::function<void(Result<std::vector<IpAddress>>)>;
  virtual ~Resolver() = default;
  /// Looks `name` up (an address literal answers itself). The handler runs once from the event loop; the order of the
  /// addresses is the host's preference, never empty on success.
  virtual void resolve(const std::string& name, Handler handler) = 0;
};

}  // namespace weft::io

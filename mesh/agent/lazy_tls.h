// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "mesh/tls/context.h"

namespace weft::agent {

/// The TLS context of an agent, made when the first stream needs it.
class LazyTls {
 public:
  explicit LazyTls(Entropy& entropy) : entropy_(entropy) {}
  /// nullptr if TLS is not wanted.
  tls::Context* get(bool wanted) {
    if (wanted && !context_) context_.emplace(entropy_);
    return wanted ? &*context_ : nullptr;
  }

 private:
  Entropy& entropy_;
  std::optional<tls::Context> context_;
};

}  // namespace weft::agent

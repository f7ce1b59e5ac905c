// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/asio_loop.h"
#include "mesh/io/resolver.h"

namespace weft::host {

/// getaddrinfo in Asio's resolver thread, which starts with the first name; address literals never reach it.
class AsioResolver final : public io::Resolver {
 public:
  explicit AsioResolver(AsioLoop& loop);
  ~AsioResolver() override;
  void resolve(const std::string& name, Handler handler) override;

 private:
  struct Impl;
  AsioLoop& loop_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace weft::host

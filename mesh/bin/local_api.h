// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "mesh/base/error.h"

namespace weft::host {
class AsioHost;
}

namespace weft::bin {

/// The answer to one request; may be kept until it is known. Nothing happens if the asker has gone.
class LocalReply {
 public:
  virtual ~LocalReply() = default;
  /// A line before the last one.
  virtual void event(const nlohmann::json& event) = 0;
  /// The last line; called once.
  virtual void finish(const nlohmann::json& result) = 0;
  virtual void fail(const Error& error) = 0;
  /// False once the asker has gone.
  virtual bool wanted() const = 0;
};

/// Who may call a method: everybody on the machine, or root, the user that the daemon runs as, and the members of the
/// configured group.
enum class Access { read, change };

/// A daemon's side of the local socket: methods by name, the caller's user checked by the kernel's word for it.
class LocalApi {
 public:
  using Method = std::function<void(const nlohmann::json& params, std::shared_ptr<LocalReply> reply)>;

  /// `group`: number of the one whose members may change things. Errors: port_taken if another daemon has the socket,
  /// io.
  static Result<std::unique_ptr<LocalApi>> listen(host::AsioHost& host, const std::string& path,
                                                  std::optional<std::uint32_t> group = std::nullopt);
  ~LocalApi();

  void add(const std::string& name, Access access, Method method);

 private:
  class Impl;
  explicit LocalApi(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "mesh/base/ip.h"
#include "mesh/http/negotiation.h"
#include "mesh/http/proxy.h"

namespace weft::http {

/// The client's side of CONNECT (RFC 9110 §9.3.6): asks a proxy for a tunnel to `target`, with Basic credentials (RFC
/// 7617) if `proxy` has some. After a 2xx answer the stream is the target's. Failures are ErrorCode::refused and name
/// the status and the remedy.
class ConnectClient final : public Negotiation {
 public:
  ConnectClient(const Proxy& proxy, const Endpoint& target);

 private:
  std::optional<Error> judge(const Response& response) const override;
  bool sent_credentials_;
};

}  // namespace weft::http

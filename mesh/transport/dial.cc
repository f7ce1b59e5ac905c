// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/dial.h"

#include <utility>

#include "mesh/base/assert.h"
#include "mesh/http/connect.h"
#include "mesh/http/upgrade.h"
#include "mesh/io/host.h"
#include "mesh/transport/named_stream.h"
#include "mesh/transport/negotiated_stream.h"
#include "mesh/transport/tls_stream.h"

namespace weft::transport {
namespace {

/// TCP to the remote, by a proxy if one is meant for it.
std::unique_ptr<io::Stream> reach(io::Host& host, const DialOptions& options) {
  if (options.proxy == nullptr || !options.proxy->applies_to(options.remote)) return host.connect(options.remote);
  const http::Proxy& proxy = options.proxy->proxy;
  return std::make_unique<NegotiatedStream>(
      host, std::make_unique<NamedStream>(host, proxy.host, proxy.port),
      NegotiationOptions{.negotiation = std::make_unique<http::ConnectClient>(proxy, options.remote),
                         .remote = options.remote,
                         .purpose = "through the HTTP proxy " + proxy.to_string(),
                         .limit = std::nullopt});
}

}  // namespace

std::unique_ptr<io::Stream> dial(io::Host& host, tls::Context* context, DialOptions options) {
  WEFT_ASSERT(!options.tls || context != nullptr);
  auto stream = reach(host, options);
  if (options.tls) {
    stream = tls_client_stream(std::move(stream), *context, {.expected_key = options.expected_key, .valid_at = {}});
  }
  const http::UpgradeOffer offer{.host = options.host_name.empty() ? options.remote.to_string() : options.host_name,
                                 .target = options.path,
                                 .protocol = options.protocol};
  return std::make_unique<NegotiatedStream>(
      host, std::move(stream),
      NegotiationOptions{.negotiation = std::make_unique<http::UpgradeClient>(offer),
                         .remote = options.remote,
                         .purpose = "cannot open " + options.protocol + " at " + options.remote.to_string(),
                         .limit = options.limit});
}

}  // namespace weft::transport

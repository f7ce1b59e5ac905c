// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/io/stream.h"
#include "mesh/tls/session.h"

namespace weft::tls {
class Context;
}  // namespace weft::tls

namespace weft::transport {

/// TLS over `inner`, a stream whose start() has not been called. `context` outlives the stream. What is written before
/// the handshake is done waits for it. A TLS failure comes as on_closed with the Error of tls::Session::failed(), after
/// the alert has been queued; an end without close_notify as ErrorCode::io, since the last bytes may have been cut off.
///
/// The client's on_connected fires when the handshake is done.
std::unique_ptr<io::Stream> tls_client_stream(std::unique_ptr<io::Stream> inner, tls::Context& context,
                                              const tls::ClientOptions& options = {});
/// As an accepted stream: no on_connected.
std::unique_ptr<io::Stream> tls_server_stream(std::unique_ptr<io::Stream> inner, tls::Context& context);

}  // namespace weft::transport

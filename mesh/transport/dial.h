// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/http/proxy.h"
#include "mesh/io/stream.h"

namespace weft::io {
class Host;
}  // namespace weft::io
namespace weft::tls {
class Context;
}  // namespace weft::tls

namespace weft::transport {

struct DialOptions {
  Endpoint remote;
  std::string host_name;  // for the Host field; empty: the text of `remote`
  std::string path;       // "/relay"
  std::string protocol;   // the Upgrade token, "weft-relay/1"
  bool tls = true;
  std::optional<crypto::VerifyKey> expected_key;  // the key in the server's certificate; nullopt accepts any
  Duration limit = 15s;                           // from start() to the 101
  const http::ProxySettings* proxy = nullptr;     // read by dial() alone; nullptr: none
};

/// A stream that is past TCP, a proxy's CONNECT if options.proxy has one for `remote` (its name is looked up by the
/// host), TLS and the HTTP upgrade: on_connected fires when the 101 has arrived, and bytes behind
/// the 101 are the first on_data. What is written before waits. Every failure is on_closed: the codes of
/// io::Host::connect and tls::Session::failed(), `refused` if the answer is not 101 for `protocol` (the message has the
/// status) or the proxy's is not 2xx, `timeout` after `limit`. `context` may be null if options.tls is false; host and
/// context outlive the stream.
std::unique_ptr<io::Stream> dial(io::Host& host, tls::Context* context, DialOptions options);

}  // namespace weft::transport

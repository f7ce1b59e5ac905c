// SPDX-License-Identifier: BSD-3-Clause
// links: weft_relay
#include <cstddef>
#include <cstdint>

#include "mesh/relay/admission.h"
#include "mesh/relay/client_session.h"
#include "mesh/relay/dial_back.h"
#include "mesh/relay/server_session.h"
#include "tests/support/seeded_entropy.h"

using namespace weft;

namespace {

const Time kNow{1h};
const WallTime kWall{24h * 365 * 56};

struct Keys {
  test::SeededEntropy entropy{1};
  crypto::SigningKey coordinator = crypto::SigningKey::generate(entropy);
  relay::ServerConfig server{.identity = crypto::SigningKey::generate(entropy),
                             .coordinator = coordinator.verify_key()};
  crypto::PrivateKey node = crypto::PrivateKey::generate(entropy);
  relay::ClientConfig client{
      .node_key = node, .admission = relay::sign({node.public_key(), kWall + 1h}, coordinator), .relay_key = {}};
};

void feed(relay::ServerSession& session, ByteView bytes) {
  session.push(bytes);
  while (session.next(kNow, kWall)) {
  }
}

}  // namespace

/// The first byte chooses who reads the rest and how far the handshake is: bit 0 the relay or the client, bit 1 before
/// or after it; bit 2 the admission alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static Keys keys;
  const ByteView rest(data + 1, size - 1);
  if ((data[0] & 4) != 0) {
    static_cast<void>(relay::verify_admission(rest, keys.coordinator.verify_key(), kWall));
    static_cast<void>(relay::parse_client_hello(rest));
    static_cast<void>(relay::parse_relay_hello(rest));
    static_cast<void>(relay::parse_dial_request(rest));
    static_cast<void>(relay::parse_dialled(rest));
    static_cast<void>(relay::parse_dial_datagram(rest));
    return 0;
  }
  test::SeededEntropy entropy(2);
  SeededRandom random(1, "fuzz");
  relay::ServerSession server(kNow, keys.server, entropy);
  relay::ClientSession client(keys.client, random);
  client.start(kNow);
  if ((data[0] & 2) != 0) {
    client.handle_data(kNow, *server.poll_write());
    feed(server, *client.poll_write());
    client.handle_data(kNow, *server.poll_write());
  }
  if ((data[0] & 1) != 0) {
    client.handle_data(kNow, rest);
    while (client.poll_event()) {
    }
  } else {
    feed(server, rest);
  }
  return 0;
}

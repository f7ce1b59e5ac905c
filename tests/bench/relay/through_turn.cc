// SPDX-License-Identifier: BSD-3-Clause
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "mesh/host/socket_address.h"
#include "mesh/stun/message.h"
#include "tests/bench/relay/relayed_way.h"

namespace weft::load {
namespace {

constexpr std::uint32_t kCookie = 0x2112A442;
constexpr std::uint16_t kChannel = 0x4001;
constexpr int kPatienceMs = 3000;

/// RFC 8656: a request of the given type with attributes that are whole words.
Bytes request(std::uint16_t type, ByteView attributes) {
  Writer writer;
  writer.u16be(type).u16be(static_cast<std::uint16_t>(attributes.size())).u32be(kCookie);
  writer.u32be(type).u32be(1).u32be(2).bytes(attributes);
  return writer.take();
}

/// Sends it until it is answered; the answer must be a success.
Result<void> ask(const host::FileDescriptor& fd, std::string_view what, ByteView message) {
  std::array<std::uint8_t, 2048> answer;
  for (int tries = 0; tries < 3; ++tries) {
    ::send(fd.get(), message.data(), message.size(), 0);
    pollfd waiting{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPatienceMs) <= 0) continue;
    const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
    if (got < 20) continue;
    const auto type = load_u16be(answer.data());
    if (type == (load_u16be(message.data()) | 0x0100)) return {};
    return fail(ErrorCode::refused, "the TURN server refuses " + std::string(what) + ": " +
                                        to_hex(ByteView(answer).first(static_cast<std::size_t>(got))));
  }
  return fail(ErrorCode::timeout, "the TURN server does not answer " + std::string(what));
}

}  // namespace

Result<RelayedWay> through_turn(const Endpoint& server, const IpAddress& local) {
  auto client = open_udp({local, 0});
  auto peer = open_udp({local, 0});
  if (!client || !peer) return std::unexpected((client ? peer : client).error());
  if (const auto connected = connect_to(*client, server); !connected) return std::unexpected(connected.error());
  const Endpoint to = host::bound_endpoint(peer->get());
  // REQUESTED-TRANSPORT: UDP. Then CHANNEL-NUMBER and XOR-PEER-ADDRESS.
  const Bytes allocate = request(0x0003, Writer().u16be(0x0019).u16be(4).u32be(17u << 24).view());
  if (const auto done = ask(*client, "an allocation", allocate); !done) return std::unexpected(done.error());
  Writer bind;
  bind.u16be(0x000C).u16be(4).u16be(kChannel).u16be(0).u16be(0x0012).u16be(8).u16be(1);
  bind.u16be(static_cast<std::uint16_t>(to.port ^ (kCookie >> 16)));
  bind.u32be(load_u32be(to.address.bytes().data()) ^ kCookie);
  if (const auto done = ask(*client, "a channel", request(0x0009, bind.view())); !done) {
    return std::unexpected(done.error());
  }
  RelayedWay way{.in = std::move(*client),
                 .header = Writer().u16be(kChannel).u16be(0).take(),
                 .out = std::move(*peer),
                 .keep = {}};
  way.length_field = 2;
  return way;
}

}  // namespace weft::load

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "mesh/relay/admission.h"
#include "mesh/relay/client_session.h"
#include "mesh/relay/hub.h"
#include "tests/support/seeded_entropy.h"

namespace weft::relay {

/// A hub and client sessions joined by wires in memory, on one virtual clock; each wire has a one-way delay of zero,
/// may be cut (bytes vanish) and may be stopped towards the client (the client's stream has no room). Clients of
/// connect_udp() have an address for datagrams as well, which the test may change or cut.
class Wires {
 public:
  struct Client {
    crypto::PrivateKey key;
    std::unique_ptr<ClientSession> session;
    SessionId id = 0;
    bool cut = false;      // nothing passes, either way
    bool stopped = false;  // nothing passes from the hub
    bool ended = false;    // the hub has closed the stream
    std::optional<Endpoint> udp;
    bool udp_cut = false;
    std::vector<Received> datagrams;  // that came over UDP
    std::vector<ClientEvent> events;
    template <typename Event>
    std::vector<Event> all() const {
      std::vector<Event> found;
      for (const auto& event : events) {
        if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
      }
      return found;
    }
  };

  Time now{1h};
  WallTime wall_at_start{24h * 365 * 56};
  test::SeededEntropy entropy{1};
  SeededRandom random{1, "relay"};
  crypto::SigningKey identity = crypto::SigningKey::generate(entropy);
  crypto::SigningKey coordinator = crypto::SigningKey::generate(entropy);
  Hub hub;
  std::vector<std::unique_ptr<Client>> clients;

  explicit Wires(bool with_coordinator = true, std::size_t max_sessions = 100)
      : hub({.identity = identity,
             .coordinator = with_coordinator ? std::optional(coordinator.verify_key()) : std::nullopt,
             .max_sessions = max_sessions,
             .udp = true},
            entropy) {}

  static Endpoint relay_udp() { return {IpAddress::v4(198, 51, 100, 1), 3478}; }

  WallTime wall() const { return wall_at_start + (now - Time{1h}); }
  Bytes admission_for(const crypto::PrivateKey& key, Duration life = 12h) const {
    return sign({key.public_key(), wall() + life}, coordinator);
  }

  /// A client with a valid admission unless told otherwise; run settle() to connect it.
  Client& connect(const crypto::PrivateKey& key, std::optional<Bytes> admission = {},
                  std::optional<crypto::VerifyKey> pin = {}, std::optional<Endpoint> udp = {},
                  const IpAddress& stream_from = {}) {
    auto client = std::make_unique<Client>();
    client->key = key;
    client->udp = udp;
    ClientConfig config{.node_key = key, .admission = admission.value_or(admission_for(key)), .relay_key = pin};
    if (udp) config.udp_endpoints = {relay_udp()};
    client->session = std::make_unique<ClientSession>(std::move(config), random);
    client->session->start(now);
    client->id = hub.open(now, stream_from);
    clients.push_back(std::move(client));
    return *clients.back();
  }
  Client& connect() { return connect(crypto::PrivateKey::generate(entropy)); }
  Client& connect_udp(std::uint16_t port) {
    return connect(crypto::PrivateKey::generate(entropy), {}, {}, Endpoint{IpAddress::v4(192, 0, 2, 1), port});
  }

  /// By UDP if there is a way, else by the stream.
  void send(Client& from, const Client& to, ByteView datagram) {
    if (const auto route = from.session->udp_route(now, to.key.public_key())) {
      Bytes bytes(kUdpDataHeader);
      write_data_header(bytes.data(), route->channel);
      bytes.insert(bytes.end(), datagram.begin(), datagram.end());
      if (!from.udp_cut) to_hub(*from.udp, std::move(bytes));
    } else {
      from.session->send(now, to.key.public_key(), datagram);
    }
    settle();
  }
  /// A datagram, or a run of them, in the hands of the hub, seemingly from `from`.
  void to_hub(const Endpoint& from, Bytes bytes, std::uint16_t segment_size = 0) {
    DatagramSlot item;
    item.slot = {bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0, static_cast<std::uint32_t>(bytes.size())};
    item.meta.source = from;
    item.meta.segment_size = segment_size;
    for (const auto& out : forward(item)) {
      const std::size_t step = out.meta.segment_size == 0 ? out.slot.length : out.meta.segment_size;
      for (ByteView rest = out.slot.bytes(); !rest.empty(); rest = rest.subspan(std::min(step, rest.size()))) {
        to_client(out.meta.destination, rest.first(std::min(step, rest.size())));
      }
    }
  }

  /// What the hub makes of `item`, by whichever socket.
  std::vector<DatagramSlot> forward(const DatagramSlot& item) {
    std::vector<DatagramSlot> all;
    for (const auto& socket : hub.forward(0, {&item, 1})) all.insert(all.end(), socket.begin(), socket.end());
    return all;
  }

  /// Moves bytes until nothing moves.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      while (const auto id = hub.poll_work()) {
        moved = true;
        for (auto& client : clients) {
          if (client->id == *id && !client->stopped) downstream(*client);
        }
      }
      for (auto& client : clients) moved = upstream(*client) || moved;
      while (const auto datagram = hub.poll_datagram()) to_client(datagram->to.remote, datagram->bytes);
    }
  }
  /// The client's stream has room again.
  void release(Client& client) {
    client.stopped = false;
    downstream(client);
    settle();
  }

  /// Advances to `until`, stopping at each deadline.
  void run_until(Time until) {
    while (true) {
      settle();
      auto next = hub.next_deadline();
      for (auto& client : clients) next = earlier(next, client->session->next_deadline());
      if (!next || *next > until) break;
      now = std::max(now, *next);
      hub.handle_timeout(now);
      for (auto& client : clients) client->session->handle_timeout(now);
    }
    now = until;
    settle();
  }
  void run_for(Duration span) { run_until(now + span); }

 private:
  void to_client(const Endpoint& to, ByteView datagram) {
    for (auto& client : clients) {
      if (client->udp != to || client->udp_cut) continue;
      const auto received = client->session->handle_udp(now, relay_udp(), datagram);
      if (received) client->datagrams.push_back({received->from, to_bytes(received->datagram)});
    }
  }
  void downstream(Client& client) {
    while (const auto bytes = hub.poll_write(client.id)) {
      if (!client.cut) client.session->handle_data(now, *bytes);
    }
    drain(client);
    if (hub.closed(client.id) && !client.ended) {
      client.ended = true;
      hub.remove(client.id);
    }
  }
  bool upstream(Client& client) {
    bool moved = false;
    while (const auto bytes = client.session->poll_write()) {
      moved = true;
      if (!client.cut) hub.handle_data(now, wall(), client.id, *bytes);
    }
    while (const auto datagram = client.session->poll_datagram()) {
      moved = true;
      if (!client.udp_cut) to_hub(*client.udp, to_bytes(datagram->bytes));
    }
    drain(client);
    return moved;
  }
  static void drain(Client& client) {
    while (auto event = client.session->poll_event()) client.events.push_back(std::move(*event));
  }
};

}  // namespace weft::relay

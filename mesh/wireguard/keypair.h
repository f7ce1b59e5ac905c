// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "mesh/base/time.h"
#include "mesh/crypto/aead.h"
#include "mesh/wireguard/events.h"
#include "mesh/wireguard/limits.h"
#include "mesh/wireguard/noise.h"
#include "mesh/wireguard/replay_window.h"

namespace weft::wireguard {

class SessionTable;

/// The transport keys of one session and what bounds their use; wiped when destroyed.
struct Keypair {
  Keypair(const TransportKeys& keys, crypto::AeadImplementation cipher, bool initiated, Time made,
          std::uint32_t own_index, std::uint32_t peer_index)
      : sending(keys.send, cipher),
        receiving(keys.receive, cipher),
        created(made),
        local_index(own_index),
        remote_index(peer_index),
        initiator(initiated) {}

  bool may_send(Time now, const Limits& limits) const {
    return send_counter < limits.reject_after_messages && now < created + limits.reject_after_time;
  }
  bool may_receive(Time now, std::uint64_t counter, const Limits& limits) const {
    return counter < limits.reject_after_messages && now < created + limits.reject_after_time;
  }

  crypto::Aead sending;
  crypto::Aead receiving;
  ReplayWindow window;
  std::uint64_t send_counter = 0;  // of the next packet
  Time created;
  std::uint32_t local_index;   // what the peer writes into its packets
  std::uint32_t remote_index;  // what we write into ours
  bool initiator;
};

/// The keypairs of one peer (paper §6): `current` sends and receives; `previous` still receives what was under way;
/// `next` is a responder's, and becomes current with the first packet that the initiator sends under it.
class Keypairs {
 public:
  Keypairs(PeerId peer, SessionTable& sessions) : peer_(peer), sessions_(sessions) {}
  ~Keypairs() { clear(); }
  Keypairs(const Keypairs&) = delete;
  Keypairs& operator=(const Keypairs&) = delete;

  Keypair* current() const { return current_.get(); }
  Keypair* previous() const { return previous_.get(); }
  Keypair* next() const { return next_.get(); }
  bool empty() const { return !current_ && !previous_ && !next_; }

  /// The response has arrived: the new keypair sends at once.
  void add_initiated(std::unique_ptr<Keypair> keypair);
  /// A response is on its way: the new keypair waits for the initiator.
  void add_responded(std::unique_ptr<Keypair> keypair);
  /// A packet under `keypair` was authentic. True if that made `next` current.
  bool confirm(const Keypair* keypair);
  /// Retires what is past REJECT_AFTER_TIME.
  void expire(Time now, const Limits& limits);
  void clear();

 private:
  void retire(std::unique_ptr<Keypair>& keypair);

  PeerId peer_;
  SessionTable& sessions_;
  std::unique_ptr<Keypair> current_, previous_, next_;
};

}  // namespace weft::wireguard

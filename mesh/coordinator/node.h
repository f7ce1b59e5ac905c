// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "mesh/base/time.h"
#include "mesh/control/message.h"
#include "mesh/control/registration.h"

namespace weft::coordinator {

/// A machine that has joined, as a node or as a relay.
struct Node {
  std::uint64_t id = 0;  // never reused
  crypto::PublicKey machine_key;
  control::Registration registration;  // the last one, without its secret
  std::string name;                    // unique
  IpAddress ipv4;                      // of a node
  std::uint16_t relay_id = 0;          // of a relay
  bool ephemeral = false;
  bool expired = false;
  std::uint64_t setup_key = 0;  // the one it joined with
  WallTime created;
  WallTime last_seen;
  control::Publish publication;  // what it says about itself

  bool online = false;  // not stored
};

}  // namespace weft::coordinator

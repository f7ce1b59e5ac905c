// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/keypair.h"

#include <utility>

#include "mesh/wireguard/session_table.h"

namespace weft::wireguard {

void Keypairs::add_initiated(std::unique_ptr<Keypair> keypair) {
  // A peer that answered us may have begun a session of its own meanwhile; it may be sending under that already.
  retire(previous_);
  if (next_) {
    previous_ = std::move(next_);
    retire(current_);
  } else {
    previous_ = std::move(current_);
  }
  current_ = std::move(keypair);
}

void Keypairs::add_responded(std::unique_ptr<Keypair> keypair) {
  retire(next_);
  retire(previous_);
  next_ = std::move(keypair);
}

bool Keypairs::confirm(const Keypair* keypair) {
  if (keypair == nullptr || keypair != next_.get()) return false;
  retire(previous_);
  previous_ = std::move(current_);
  current_ = std::move(next_);
  return true;
}

void Keypairs::expire(Time now, const Limits& limits) {
  for (auto* keypair : {&current_, &previous_, &next_}) {
    if (*keypair && now >= (*keypair)->created + limits.reject_after_time) retire(*keypair);
  }
}

void Keypairs::clear() {
  for (auto* keypair : {&current_, &previous_, &next_}) retire(*keypair);
}

void Keypairs::retire(std::unique_ptr<Keypair>& keypair) {
  if (keypair) sessions_.retire(peer_, std::move(keypair));
}

}  // namespace weft::wireguard

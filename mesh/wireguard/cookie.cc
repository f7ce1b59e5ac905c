// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/cookie.h"

#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/crypto/aead.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/wireguard/limits.h"

namespace weft::wireguard {
namespace {

crypto::Blake2sDigest mac1_key(const crypto::PublicKey& receiver) {
  return crypto::blake2s({as_bytes("mac1----"), receiver.bytes()});
}
crypto::SymmetricKey reply_key(const crypto::PublicKey& receiver) {
  return crypto::SymmetricKey(crypto::blake2s({as_bytes("cookie--"), receiver.bytes()}));
}

Mac mac(ByteView key, ByteView message) {
  Mac out;
  crypto::blake2s_keyed(key, {message}, out);
  return out;
}

/// Both kinds of handshake message end with mac1 and mac2; mac1 covers all before it, mac2 also mac1.
ByteView before_mac1(ByteView message) { return message.first(message.size() - 2 * kMacSize); }
ByteView before_mac2(ByteView message) { return message.first(message.size() - kMacSize); }
ByteView mac1_of(ByteView message) { return message.subspan(message.size() - 2 * kMacSize, kMacSize); }
ByteView mac2_of(ByteView message) { return message.last(kMacSize); }

}  // namespace

void CookieGenerator::add_macs(Time now, MutableByteView message) {
  WEFT_ASSERT(message.size() == kInitiationSize || message.size() == kResponseSize);
  last_mac1_ = mac(mac1_key(peer_), before_mac1(message));
  std::ranges::copy(*last_mac1_, message.end() - 2 * kMacSize);
  Mac mac2{};
  if (cookie_ && now < cookie_->received + kCookieLifetime - kCookieLatency) {
    mac2 = mac(cookie_->value.bytes().first(kMacSize), before_mac2(message));
  }
  std::ranges::copy(mac2, message.end() - kMacSize);
}

bool CookieGenerator::consume_reply(Time now, const CookieReply& reply) {
  if (!last_mac1_) return false;
  auto opened = crypto::xaead_open(reply_key(peer_), reply.nonce, reply.encrypted_cookie, *last_mac1_);
  if (!opened) return false;
  cookie_ = std::make_unique<Cookie>();
  std::ranges::copy(*opened, cookie_->value.mutable_bytes().begin());
  cookie_->received = now;
  crypto::wipe(*opened);
  last_mac1_.reset();  // one reply to one message
  return true;
}

CookieChecker::CookieChecker(const crypto::PublicKey& own, Entropy& entropy)
    : mac1_key_(mac1_key(own)), reply_key_(reply_key(own)), entropy_(entropy) {}

bool CookieChecker::mac1_valid(ByteView message) const {
  return crypto::equal_constant_time(mac(mac1_key_, before_mac1(message)), mac1_of(message));
}

bool CookieChecker::mac2_valid(Time now, ByteView message, const PathId& from) {
  return crypto::equal_constant_time(mac(cookie_of(now, from), before_mac2(message)), mac2_of(message));
}

Bytes CookieChecker::make_reply(Time now, ByteView message, std::uint32_t receiver_index, const PathId& from) {
  CookieReply reply;
  reply.receiver_index = receiver_index;
  entropy_.fill(reply.nonce);
  const Bytes sealed = crypto::xaead_seal(reply_key_, reply.nonce, cookie_of(now, from), mac1_of(message));
  std::ranges::copy(sealed, reply.encrypted_cookie.begin());
  return serialize(reply);
}

Mac CookieChecker::cookie_of(Time now, const PathId& from) {
  if (!secret_made_ || now >= *secret_made_ + kCookieLifetime) {
    entropy_.fill(secret_.mutable_bytes());
    secret_made_ = now;
  }
  // A relay vouches for no address: whoever comes through one shares its cookie.
  Writer source;
  source.u16be(from.relay).u16be(from.remote.port).bytes(from.remote.address.bytes());
  return mac(secret_.bytes(), source.view());
}

}  // namespace weft::wireguard

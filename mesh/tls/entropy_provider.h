// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <openssl/types.h>

namespace weft {
class Entropy;
}  // namespace weft

namespace weft::tls {

/// Makes every random byte of `library` come from the Entropy that the calling thread has named with DrawFrom, by a
/// provider built into this program. To be called before `library` draws its first one. The DRBG in between is left out
/// on purpose: OpenSSL's adds time and thread id to its nonce, so that no two runs would be alike, and the host's
/// Entropy is a generator already.
///
/// Returns the provider, to be unloaded before `library` is freed.
OSSL_PROVIDER* load_entropy_provider(OSSL_LIB_CTX* library);

/// As long as it lives, OpenSSL draws from `entropy` on this thread. Around each call that may draw: without one, that
/// is our mistake and asserted.
class DrawFrom {
 public:
  explicit DrawFrom(Entropy& entropy);
  ~DrawFrom();
  DrawFrom(const DrawFrom&) = delete;
  DrawFrom& operator=(const DrawFrom&) = delete;

 private:
  Entropy* before_;
};

}  // namespace weft::tls

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <openssl/types.h>

namespace weft {
class Entropy;
}  // namespace weft

namespace weft::tls {

/// Makes every random byte of `library` come from `entropy`, by a provider built into this program. To be called before
/// `library` draws its first one; `entropy` outlives `library`. The DRBG in between is left out on purpose: OpenSSL's
/// adds time and thread id to its nonce, so that no two runs would be alike, and the host's Entropy is a generator
/// already.
///
/// Returns the provider, to be unloaded before `library` is freed.
OSSL_PROVIDER* draw_from(OSSL_LIB_CTX* library, Entropy& entropy);

}  // namespace weft::tls

// SPDX-License-Identifier: BSD-3-Clause
// Does time depend on secrets? Run by valgrind, this marks key and text as undefined, so that memcheck reports each
// branch and each address that comes from them. `--leak` branches on a secret byte on purpose and must be reported.
#include <cstdio>
#include <cstring>
#include <string_view>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

#include "mesh/base/bytes.h"
#include "mesh/crypto/aead.h"

#ifdef RUNNING_ON_VALGRIND
namespace weft::crypto {
namespace {

constexpr std::size_t kSpace = 1600;

void poison(MutableByteView bytes) { (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void reveal(MutableByteView bytes) { (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

/// Seals and opens a batch of `count` packets; returns whether all tags were right.
bool run(AeadImplementation implementation, std::size_t count, std::size_t length) {
  SymmetricKey key(std::array<std::uint8_t, 32>{1, 2, 3});
  poison(key.mutable_bytes());
  Aead aead(key, implementation);
  Bytes bytes(count * kSpace, 7);
  poison(bytes);
  std::vector<AeadItem> items;
  for (std::size_t i = 0; i < count; ++i) items.push_back({i, &bytes[i * kSpace], length + i % 3});
  aead.seal(items);
  if (implementation == AeadImplementation::openssl)
    return true;  // its open() tells by a branch whether a tag is right
  aead.open(items);
  bool good = true;
  for (AeadItem& item : items) {
    reveal({reinterpret_cast<std::uint8_t*>(&item.ok), sizeof item.ok});  // the verdict is public
    good = good && item.ok;
  }
  return good;
}

int leak() {
  Bytes secret(1, 7);
  poison(secret);
  std::puts(secret[0] == 7 ? "branched one way" : "branched the other way");
  return 0;
}

int check() {
  int checked = 0;
  for (const auto implementation :
       {AeadImplementation::openssl, AeadImplementation::avx2, AeadImplementation::avx512}) {
    if (!available(implementation)) continue;
    ++checked;
    for (const std::size_t count : {1, 2, 3, 5, 8, 16, 17}) {
      for (const std::size_t length : {0, 1, 16, 64, 333, 1420}) {
        if (!run(implementation, count, length)) return std::puts("aead_secrets: a tag was wrong"), 1;
      }
    }
  }
  std::printf("aead_secrets: %d implementations checked (valgrind knows no AVX-512)\n", checked);
  return 0;
}

}  // namespace
}  // namespace weft::crypto
#endif

int main(int count, char** arguments) {
#ifdef RUNNING_ON_VALGRIND
  if (RUNNING_ON_VALGRIND) {
    const bool leak = count > 1 && std::string_view(arguments[1]) == "--leak";
    return leak ? weft::crypto::leak() : weft::crypto::check();
  }
#endif
  (void)count, (void)arguments;
  std::puts("SKIPPED: the check for secret-dependent time needs valgrind (scripts/setup) and no sanitizer");
  return 77;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tls/entropy_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"

namespace weft::tls {
namespace {

constexpr const char* kProviderName = "weft-entropy";
constexpr const char* kGeneratorName = "WEFT-ENTROPY";

/// OpenSSL gives its generators no argument of ours, so the one who calls it leaves word here (DrawFrom).
thread_local Entropy* drawing_from = nullptr;

// The generator has no state of its own, only an address that is not null. The types are those of core_dispatch.h.
void* rand_new(void* provider, void*, const OSSL_DISPATCH*) { return provider; }
void rand_free(void*) {}
int rand_instantiate(void*, unsigned int, int, const unsigned char*, std::size_t, const OSSL_PARAM[]) { return 1; }
int rand_uninstantiate(void*) { return 1; }
int rand_enable_locking(void*) { return 1; }
int rand_lock(void*) { return 1; }
void rand_unlock(void*) {}

int rand_generate(void*, unsigned char* out, std::size_t size, unsigned int, int, const unsigned char*, std::size_t) {
  WEFT_ASSERT(drawing_from != nullptr);
  drawing_from->fill({out, size});
  return 1;
}

const OSSL_PARAM* rand_gettable(void*, void*) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, nullptr),
                                       OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, nullptr),
                                       OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, nullptr), OSSL_PARAM_END};
  return kParams;
}

int rand_get(void*, OSSL_PARAM params[]) {
  OSSL_PARAM* state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
  if (state != nullptr && OSSL_PARAM_set_int(state, EVP_RAND_STATE_READY) == 0) return 0;
  OSSL_PARAM* strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
  if (strength != nullptr && OSSL_PARAM_set_uint(strength, 256) == 0) return 0;
  OSSL_PARAM* largest = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
  return largest == nullptr || OSSL_PARAM_set_size_t(largest, std::size_t{1} << 20) != 0 ? 1 : 0;
}

template <typename Function>
OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  static const OSSL_DISPATCH kFunctions[] = {entry(OSSL_FUNC_RAND_NEWCTX, rand_new),
                                             entry(OSSL_FUNC_RAND_FREECTX, rand_free),
                                             entry(OSSL_FUNC_RAND_INSTANTIATE, rand_instantiate),
                                             entry(OSSL_FUNC_RAND_UNINSTANTIATE, rand_uninstantiate),
                                             entry(OSSL_FUNC_RAND_GENERATE, rand_generate),
                                             entry(OSSL_FUNC_RAND_ENABLE_LOCKING, rand_enable_locking),
                                             entry(OSSL_FUNC_RAND_LOCK, rand_lock),
                                             entry(OSSL_FUNC_RAND_UNLOCK, rand_unlock),
                                             entry(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, rand_gettable),
                                             entry(OSSL_FUNC_RAND_GET_CTX_PARAMS, rand_get),
                                             {0, nullptr}};
  static const OSSL_ALGORITHM kAlgorithms[] = {{kGeneratorName, "provider=weft-entropy", kFunctions, nullptr},
                                               {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_RAND ? kAlgorithms : nullptr;
}

int initialise(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH kProvider[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, nullptr}};
  *functions = kProvider;
  static char kNoState;
  *context = &kNoState;
  return 1;
}

}  // namespace

OSSL_PROVIDER* load_entropy_provider(OSSL_LIB_CTX* library) {
  WEFT_ASSERT(OSSL_PROVIDER_add_builtin(library, kProviderName, initialise) == 1);
  OSSL_PROVIDER* provider = OSSL_PROVIDER_load(library, kProviderName);
  WEFT_ASSERT(provider != nullptr);
  WEFT_ASSERT(RAND_set_seed_source_type(library, kGeneratorName, nullptr) == 1);
  WEFT_ASSERT(RAND_set_DRBG_type(library, kGeneratorName, nullptr, nullptr, nullptr) == 1);
  return provider;
}

DrawFrom::DrawFrom(Entropy& entropy) : before_(drawing_from) { drawing_from = &entropy; }

DrawFrom::~DrawFrom() { drawing_from = before_; }

}  // namespace weft::tls

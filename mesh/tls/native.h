// SPDX-License-Identifier: BSD-3-Clause
// OpenSSL's objects with an owner; for the .cc files of this folder alone.
#pragma once

#include <openssl/bio.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

#include "mesh/tls/context.h"

namespace weft::tls {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, FreeWith<kFree>>;

/// A library context of OpenSSL with its providers. Each takes keys of the thread library, of which a process has about
/// a thousand, so the contexts of one thread (the hosts of a simulation) share one; their random bytes stay apart,
/// since every call into OpenSSL that may draw says whose Entropy it is (entropy_provider.h).
struct Library {
  Owned<OSSL_LIB_CTX, OSSL_LIB_CTX_free> context;
  Owned<OSSL_PROVIDER, OSSL_PROVIDER_unload> algorithms, randomness;
  Owned<BIO_METHOD, BIO_meth_free> bio_method;
};

struct Context::Native {
  std::shared_ptr<Library> library;
  Entropy* entropy = nullptr;
  Owned<X509, X509_free> certificate;
  Owned<SSL_CTX, SSL_CTX_free> ssl;
};

}  // namespace weft::tls

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

struct Context::Native {
  Owned<OSSL_LIB_CTX, OSSL_LIB_CTX_free> library;
  Owned<OSSL_PROVIDER, OSSL_PROVIDER_unload> algorithms, randomness;
  Owned<BIO_METHOD, BIO_meth_free> bio_method;
  Owned<X509, X509_free> certificate;
  Owned<SSL_CTX, SSL_CTX_free> ssl;
};

}  // namespace weft::tls

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tls/context.h"

#include <openssl/err.h>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"
#include "mesh/tls/entropy_provider.h"
#include "mesh/tls/native.h"
#include "mesh/tls/session_bio.h"

namespace weft::tls {
namespace {

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;

std::time_t to_seconds_since_1970(WallTime at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

Key make_key(OSSL_LIB_CTX* library, const crypto::SigningKey& key) {
  Key made(EVP_PKEY_new_raw_private_key_ex(library, "ED25519", nullptr, key.bytes().data(), key.bytes().size()));
  WEFT_ASSERT(made);
  return made;
}

void set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  const int size = static_cast<int>(common_name.size());
  WEFT_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, size, -1, 0) == 1);
  WEFT_ASSERT(X509_set_issuer_name(certificate, name) == 1);
}

Owned<X509, X509_free> make_certificate(OSSL_LIB_CTX* library, const Identity& identity, EVP_PKEY* key) {
  Owned<X509, X509_free> certificate(X509_new_ex(library, nullptr));
  WEFT_ASSERT(certificate);
  WEFT_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  WEFT_ASSERT(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), identity.serial) == 1);
  WEFT_ASSERT(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_seconds_since_1970(identity.not_before)));
  WEFT_ASSERT(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_seconds_since_1970(identity.not_after)));
  set_name(certificate.get(), identity.common_name);
  WEFT_ASSERT(X509_set_pubkey(certificate.get(), key) == 1);
  WEFT_ASSERT(X509_sign(certificate.get(), key, nullptr) > 0);
  return certificate;
}

Owned<SSL_CTX, SSL_CTX_free> make_ssl(OSSL_LIB_CTX* library) {
  Owned<SSL_CTX, SSL_CTX_free> ssl(SSL_CTX_new_ex(library, nullptr, TLS_method()));
  WEFT_ASSERT(ssl);
  SSL_CTX* raw = ssl.get();
  WEFT_ASSERT(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
  WEFT_ASSERT(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1);
  WEFT_ASSERT(SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") == 1);
  WEFT_ASSERT(SSL_CTX_set1_groups_list(raw, "X25519") == 1);
  WEFT_ASSERT(SSL_CTX_set1_sigalgs_list(raw, "ed25519") == 1);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  WEFT_ASSERT(SSL_CTX_set_num_tickets(raw, 0) == 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return ssl;
}

std::shared_ptr<Library> make_library() {
  // Without the machine's openssl.cnf: what TLS we speak does not depend on it.
  WEFT_ASSERT(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
  auto library = std::make_shared<Library>();
  library->context.reset(OSSL_LIB_CTX_new());
  WEFT_ASSERT(library->context);
  library->algorithms.reset(OSSL_PROVIDER_load(library->context.get(), "default"));
  WEFT_ASSERT(library->algorithms);
  library->randomness.reset(load_entropy_provider(library->context.get()));
  library->bio_method.reset(make_session_bio_method());
  return library;
}

/// The one of this thread, as long as a context of it lives.
std::shared_ptr<Library> library_of_thread() {
  thread_local std::weak_ptr<Library> known;
  if (auto library = known.lock()) return library;
  auto library = make_library();
  known = library;
  return library;
}

}  // namespace

Context::Context(Entropy& entropy) : native_(std::make_unique<Native>()) {
  native_->library = library_of_thread();
  native_->entropy = &entropy;
  const DrawFrom drawing(entropy);
  native_->ssl = make_ssl(native_->library->context.get());
}

Context::Context(Entropy& entropy, const Identity& identity) : Context(entropy) {
  const DrawFrom drawing(entropy);
  const Key key = make_key(native_->library->context.get(), identity.key);
  native_->certificate = make_certificate(native_->library->context.get(), identity, key.get());
  WEFT_ASSERT(SSL_CTX_use_certificate(native_->ssl.get(), native_->certificate.get()) == 1);
  WEFT_ASSERT(SSL_CTX_use_PrivateKey(native_->ssl.get(), key.get()) == 1);
  can_serve_ = true;
}

Context::~Context() = default;

Bytes Context::certificate() const {
  if (!native_->certificate) return {};
  unsigned char* der = nullptr;
  const int size = i2d_X509(native_->certificate.get(), &der);
  WEFT_ASSERT(size > 0);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace weft::tls

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/tls/session.h"

#include <openssl/err.h>

#include <array>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/tls/entropy_provider.h"
#include "mesh/tls/native.h"
#include "mesh/tls/session_bio.h"

namespace weft::tls {
namespace {

/// Error numbers from here on are alerts of the other side (openssl/ssl.h).
constexpr int kFirstAlertReason = SSL_AD_REASON_OFFSET;

/// A fatal protocol_version alert (RFC 8446 §6.2). OpenSSL sends none to a client whose first bytes are not TLS; with
/// this one the client can say what is wrong.
constexpr std::array<std::uint8_t, 7> kAlert{0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46};

std::optional<crypto::VerifyKey> key_in(const X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  std::array<std::uint8_t, crypto::VerifyKey::kSize> bytes;
  std::size_t size = bytes.size();
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) return std::nullopt;
  return crypto::VerifyKey(bytes);
}

bool valid_at(const X509* certificate, WallTime at) {
  std::time_t seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  return X509_cmp_time(X509_get0_notBefore(certificate), &seconds) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate), &seconds) > 0;
}

std::optional<Error> judge(const X509* certificate, const ClientOptions& options) {
  const auto key = key_in(certificate);
  if (!key)
    return Error{ErrorCode::refused, "the server's certificate holds no Ed25519 key: this is not a Weft server"};
  if (options.expected_key && *key != *options.expected_key) {
    return Error{ErrorCode::refused, "the server's certificate holds the key " + key->to_base64() + ", but " +
                                         options.expected_key->to_base64() +
                                         " is expected: another server answers at this address"};
  }
  if (options.valid_at && !valid_at(certificate, *options.valid_at)) {
    return Error{ErrorCode::refused, "the server's certificate is not valid at this time: compare the clocks"};
  }
  return std::nullopt;
}

Error to_error(unsigned long number, bool established) {
  const int reason = ERR_GET_REASON(number);
  const char* text = ERR_reason_error_string(number);
  const std::string words = text != nullptr ? text : "unknown TLS error";
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
      return {ErrorCode::refused, "the other side does not speak TLS (" + words + "): turn TLS on there, or off here"};
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return {ErrorCode::corrupt, "a TLS record was altered on its way: " + words};
    default:
      break;
  }
  if (reason >= kFirstAlertReason) return {ErrorCode::refused, "the other side ended TLS: " + words};
  return {established ? ErrorCode::corrupt : ErrorCode::refused, "TLS failed: " + words};
}

}  // namespace

struct Session::State {
  State(Context& context, const ClientOptions* client_options) : entropy(*context.native().entropy) {
    const DrawFrom drawing(entropy);
    ssl.reset(SSL_new(context.native().ssl.get()));
    WEFT_ASSERT(ssl);
    BIO* bio = make_session_bio(context.native().library->bio_method.get(), buffers);
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_app_data(ssl.get(), this);
    if (client_options == nullptr) {
      SSL_set_accept_state(ssl.get());
      return;
    }
    options = *client_options;
    SSL_set_connect_state(ssl.get());
    SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
  }

  /// In the place of OpenSSL's chain verification (SSL_CTX_set_cert_verify_callback).
  static int verify(X509_STORE_CTX* store, void*) {
    const auto* raw = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* state = static_cast<State*>(SSL_get_app_data(raw));
    state->rejection = judge(X509_STORE_CTX_get0_cert(store), state->options);
    X509_STORE_CTX_set_error(store, state->rejection ? X509_V_ERR_CERT_UNTRUSTED : X509_V_OK);
    return state->rejection ? 0 : 1;
  }

  void advance() {
    const DrawFrom drawing(entropy);
    ERR_clear_error();
    if (!established) {
      const int result = SSL_do_handshake(ssl.get());
      if (result != 1) return stop(result);
      established = true;
    }
    read_all();
  }

  void read_all() {
    std::array<std::uint8_t, SSL3_RT_MAX_PLAIN_LENGTH> piece;
    while (true) {
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl.get(), piece.data(), piece.size(), &count);
      if (result != 1) return stop(result);
      plaintext.insert(plaintext.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  void stop(int result) {
    const int kind = SSL_get_error(ssl.get(), result);
    if (kind == SSL_ERROR_WANT_READ) return;
    if (kind == SSL_ERROR_ZERO_RETURN) {
      peer_closed = true;
      return;
    }
    failed = rejection ? *rejection : to_error(ERR_peek_error(), established);
    ERR_clear_error();
    if (!established && SSL_is_server(ssl.get()) == 1 && buffers.output.empty()) buffers.output = to_bytes(kAlert);
  }

  Entropy& entropy;
  ClientOptions options;
  BioBuffers buffers;  // before ssl, whose BIO points into it
  Bytes plaintext;
  bool established = false;
  bool closing = false;
  bool peer_closed = false;
  std::optional<Error> rejection;
  std::optional<Error> failed;
  Owned<SSL, SSL_free> ssl;
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::client(Context& context, const ClientOptions& options) {
  SSL_CTX_set_cert_verify_callback(context.native().ssl.get(), State::verify, nullptr);
  Session session(std::make_unique<State>(context, &options));
  session.state_->advance();
  return session;
}

Session Session::server(Context& context) {
  WEFT_ASSERT(context.can_serve());
  return Session(std::make_unique<State>(context, nullptr));
}

void Session::handle_ciphertext(ByteView bytes) {
  if (state_->failed || state_->peer_closed) return;
  state_->buffers.input = bytes;
  state_->advance();
  WEFT_ASSERT(state_->buffers.input.empty() || state_->failed || state_->peer_closed);
  state_->buffers.input = {};
}

std::optional<Bytes> Session::poll_ciphertext() {
  if (state_->buffers.output.empty()) return std::nullopt;
  return std::exchange(state_->buffers.output, {});
}

std::size_t Session::write_plaintext(ByteView bytes) {
  if (!state_->established || state_->failed || state_->closing || bytes.empty()) return 0;
  const DrawFrom drawing(state_->entropy);
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &written);
  if (result != 1) state_->stop(result);
  WEFT_ASSERT(written == bytes.size() || state_->failed);
  return written;
}

std::optional<Bytes> Session::poll_plaintext() {
  if (state_->plaintext.empty()) return std::nullopt;
  return std::exchange(state_->plaintext, {});
}

void Session::close_notify() {
  if (!state_->established || state_->failed || std::exchange(state_->closing, true)) return;
  const DrawFrom drawing(state_->entropy);
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
}

bool Session::established() const { return state_->established; }
bool Session::peer_closed() const { return state_->peer_closed; }
const std::optional<Error>& Session::failed() const { return state_->failed; }

}  // namespace weft::tls

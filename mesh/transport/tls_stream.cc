// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/tls_stream.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/transport/callbacks.h"

namespace weft::transport {
namespace {

/// RFC 8446 §5: header, inner content type and tag of a record, and the most it carries.
constexpr std::size_t kRecordOverhead = 5 + 1 + 16;
constexpr std::size_t kRecordLimit = 16 * 1024;

void drop_front(Bytes& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  if (bytes.empty()) bytes = {};
}

/// Plaintext waits in held_ until the handshake is done. After that write() encrypts just as much as the inner stream
/// takes, plus the end of one record (out_): the short write makes the inner stream say when there is room again.
class TlsStream final : public io::Stream {
 public:
  TlsStream(std::unique_ptr<io::Stream> inner, tls::Session session, bool client)
      : inner_(std::move(inner)), session_(std::move(session)), client_(client), connected_(!client) {}

  void start(io::StreamHandlers handlers) override {
    callbacks_.set(std::move(handlers));
    inner_->start({.on_connected = [this] { handle_connected(); },
                   .on_data = [this](ByteView bytes) { handle_data(bytes); },
                   .on_writable = [this] { progress(); },
                   .on_closed = [this](const Error& why) { handle_closed(why); }});
  }

  std::size_t write(ByteView bytes) override {
    if (closing_ || !callbacks_.set_and_open()) return 0;
    const std::size_t taken = session_.established() ? (held_.empty() ? encrypt(bytes) : 0) : hold(bytes);
    short_write_ |= taken < bytes.size();
    return taken;
  }

  /// In bytes of plaintext: what is encrypted counts without its records' overhead.
  std::size_t queued() const override {
    const std::size_t encrypted = out_.size() + inner_->queued();
    if (encrypted == 0) return held_.size();
    const std::size_t records = (encrypted + kRecordLimit + kRecordOverhead - 1) / (kRecordLimit + kRecordOverhead);
    return held_.size() + std::max<std::size_t>(encrypted, records * kRecordOverhead + 1) - records * kRecordOverhead;
  }

  void close() override {
    closing_ = true;
    try_close();
  }
  Endpoint local_endpoint() const override { return inner_->local_endpoint(); }
  Endpoint remote_endpoint() const override { return inner_->remote_endpoint(); }

 private:
  void handle_connected() {
    connected_ = true;
    flush();
  }

  void handle_data(ByteView bytes) {
    if (!callbacks_.set_and_open()) return;
    session_.handle_ciphertext(bytes);
    flush();
    if (session_.established() && !std::exchange(announced_, true)) {
      if (client_ && !callbacks_.connected()) return;
      if (!progress()) return;
    }
    while (const auto plaintext = session_.poll_plaintext()) {
      if (!callbacks_.data(*plaintext)) return;
    }
    if (session_.failed()) return end(*session_.failed());
    if (session_.peer_closed()) end({ErrorCode::closed, "the other side closed the connection"});
  }

  void handle_closed(const Error& why) {
    if (session_.failed()) {
      callbacks_.closed(*session_.failed());
    } else if (closing_ || why.code != ErrorCode::closed) {
      callbacks_.closed(why);
    } else if (!session_.established()) {
      callbacks_.closed({ErrorCode::refused, "the other side closed the connection during the TLS handshake"});
    } else {
      callbacks_.closed({ErrorCode::io, "the connection ended without TLS close_notify: its end may be missing"});
    }
  }

  /// After the alert or close_notify is on its way.
  void end(const Error& why) {
    session_.close_notify();
    flush();
    if (!std::exchange(inner_closing_, true)) inner_->close();
    callbacks_.closed(why);
  }

  std::size_t hold(ByteView bytes) {
    const auto room = bytes.first(std::min(bytes.size(), io::kStreamQueueLimit - held_.size()));
    held_.insert(held_.end(), room.begin(), room.end());
    return room.size();
  }

  std::size_t encrypt(ByteView bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && out_.empty()) {
      const std::size_t room = io::kStreamQueueLimit - std::min(io::kStreamQueueLimit, inner_->queued());
      const std::size_t most = room > kRecordOverhead ? room - kRecordOverhead + 1 : 1;
      const auto piece = bytes.subspan(taken, std::min({most, kRecordLimit, bytes.size() - taken}));
      if (session_.write_plaintext(piece) == 0) break;
      taken += piece.size();
      flush();
    }
    return taken;
  }

  void flush() {
    while (const auto ciphertext = session_.poll_ciphertext()) {
      out_.insert(out_.end(), ciphertext->begin(), ciphertext->end());
    }
    if (connected_ && !out_.empty()) drop_front(out_, inner_->write(out_));
  }

  /// Moves on with what waits; false if the stream is gone.
  bool progress() {
    flush();
    if (session_.established() && !held_.empty()) drop_front(held_, encrypt(held_));
    try_close();
    if (!out_.empty() || !held_.empty() || !std::exchange(short_write_, false)) return true;
    return callbacks_.writable();
  }

  void try_close() {
    if (!closing_ || !held_.empty()) return;
    session_.close_notify();
    flush();
    if (out_.empty() && !std::exchange(inner_closing_, true)) inner_->close();
  }

  std::unique_ptr<io::Stream> inner_;
  tls::Session session_;
  const bool client_;
  bool connected_;
  bool announced_ = false;
  bool short_write_ = false;
  bool closing_ = false;
  bool inner_closing_ = false;
  Bytes held_;
  Bytes out_;
  Callbacks callbacks_;
};

}  // namespace

std::unique_ptr<io::Stream> tls_client_stream(std::unique_ptr<io::Stream> inner, tls::Context& context,
                                              const tls::ClientOptions& options) {
  return std::make_unique<TlsStream>(std::move(inner), tls::Session::client(context, options), true);
}

std::unique_ptr<io::Stream> tls_server_stream(std::unique_ptr<io::Stream> inner, tls::Context& context) {
  return std::make_unique<TlsStream>(std::move(inner), tls::Session::server(context), false);
}

}  // namespace weft::transport

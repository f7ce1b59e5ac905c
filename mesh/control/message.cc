// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/message.h"

#include <algorithm>

#include "mesh/control/fields.h"

namespace weft::control {
namespace {

constexpr std::uint64_t kVersion = 1;

struct CodeName {
  ErrorCode code;
  std::string_view name;
};
/// The refusals that mean something to a client; any other is `refused`.
constexpr CodeName kCodeNames[] = {{ErrorCode::key_expired_or_used, "key_expired_or_used"},
                                   {ErrorCode::needs_login, "needs_login"},
                                   {ErrorCode::limit, "limit"},
                                   {ErrorCode::internal, "internal"},
                                   {ErrorCode::refused, "refused"}};

/// All messages side by side, as they are on the wire: one of them is set.
struct Envelope {
  std::uint64_t version = 0;
  std::optional<Register> register_;
  std::optional<Publish> publish;
  std::optional<Ping> ping;
  std::optional<Accepted> accepted;
  std::optional<MapUpdate> map;
  std::optional<Admission> admission;
  std::optional<Pong> pong;
  std::optional<Refusal> refusal;
  std::optional<Revocation> revocation;
  std::optional<Signal> signal;
};

constexpr std::string_view name_of(const Register*) { return "register"; }
constexpr std::string_view name_of(const Publish*) { return "publish"; }
constexpr std::string_view name_of(const Ping*) { return "ping"; }
constexpr std::string_view name_of(const Accepted*) { return "accepted"; }
template <typename Peer>
constexpr std::string_view name_of(const BasicMapUpdate<Peer>*) {
  return "map";
}
constexpr std::string_view name_of(const Admission*) { return "admission"; }
constexpr std::string_view name_of(const Pong*) { return "pong"; }
constexpr std::string_view name_of(const Refusal*) { return "refusal"; }
constexpr std::string_view name_of(const Revocation*) { return "revocation"; }
constexpr std::string_view name_of(const Signal*) { return "signal"; }

template <typename V, typename T>
void describe_member(V& v, std::optional<T>& member) {
  v.optional(name_of(static_cast<const T*>(nullptr)), member);
}

template <typename V>
void describe(V& v, Envelope& e) {
  v.field("version", e.version);
  describe_member(v, e.register_);
  describe_member(v, e.publish);
  describe_member(v, e.ping);
  describe_member(v, e.accepted);
  describe_member(v, e.map);
  describe_member(v, e.admission);
  describe_member(v, e.pong);
  describe_member(v, e.refusal);
  describe_member(v, e.revocation);
  describe_member(v, e.signal);
}

/// Moves the member that is set into a Message.
struct Opener {
  Message message;
  int found = 0;
  template <typename T>
  void take(std::optional<T>& member) {
    if (!member) return;
    message = std::move(*member);
    ++found;
  }
};

template <typename T>
Bytes encode_as(const T& body) {
  cbor::Encoder out;
  out.map(2);
  out.text("version");
  out.number(kVersion);
  out.text(name_of(&body));
  write(out, body);
  return out.take();
}

/// Printable ASCII, not too long.
bool is_sendable(std::string_view text) {
  return text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

}  // namespace

bool put_text(std::string& out, std::string_view text) {
  if (!is_sendable(text)) return false;
  out = text;
  return true;
}

bool put_text(Word& out, std::string_view text) {
  if (!is_sendable(text)) return false;
  out = Word(text);
  return true;
}

bool put_text(ErrorCode& code, std::string_view text) {
  code = ErrorCode::refused;
  for (const CodeName& known : kCodeNames) {
    if (known.name == text) code = known.code;
  }
  return true;
}

std::string_view text_of(ErrorCode code) {
  for (const CodeName& known : kCodeNames) {
    if (known.code == code) return known.name;
  }
  return "refused";
}

Bytes binary_of(const Endpoint& endpoint) {
  return Writer().bytes(endpoint.address.bytes()).u16be(endpoint.port).take();
}

bool put_binary(Endpoint& endpoint, ByteView bytes) {
  if (bytes.size() != 6 && bytes.size() != 18) return false;
  endpoint.address = *IpAddress::from_bytes(bytes.first(bytes.size() - 2));
  endpoint.port = load_u16be(bytes.data() + bytes.size() - 2);
  return true;
}

bool put_binary(IpAddress& address, ByteView bytes) {
  const auto parsed = IpAddress::from_bytes(bytes);
  if (parsed) address = *parsed;
  return parsed.has_value();
}

Bytes encode(const Message& message) {
  return std::visit(
      []<typename T>(const T& body) {
        if constexpr (std::is_same_v<T, UnknownMessage>) {
          return Bytes{};
        } else {
          return encode_as(body);
        }
      },
      message);
}

Bytes encode(const EncodedMapUpdate& update) { return encode_as(update); }

Bytes encode_peer(const PeerRecord& peer) {
  cbor::Encoder out;
  write(out, peer);
  return out.take();
}

std::expected<Message, ControlError> parse_message(ByteView bytes) {
  Envelope envelope;
  if (const auto done = cbor::parse(bytes, {&envelope, &type_of<Envelope>(), 0}); !done)
    return std::unexpected(done.error());
  if (envelope.version != kVersion) return std::unexpected(ControlError::bad_version);
  Opener opener;
  opener.take(envelope.register_);
  opener.take(envelope.publish);
  opener.take(envelope.ping);
  opener.take(envelope.accepted);
  opener.take(envelope.map);
  opener.take(envelope.admission);
  opener.take(envelope.pong);
  opener.take(envelope.refusal);
  opener.take(envelope.revocation);
  opener.take(envelope.signal);
  if (opener.found > 1) return std::unexpected(ControlError::malformed);
  return std::move(opener.message);
}

}  // namespace weft::control

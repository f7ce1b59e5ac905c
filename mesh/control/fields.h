// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <type_traits>

#include "mesh/control/cbor.h"
#include "mesh/control/message.h"

/// The one list of fields of every struct on the wire: writers, readers and the check for missing fields all walk it.
/// `field` must occur, `optional` may be left out, `nonzero` and `list` are left out when zero or empty. Only for the
/// .cc files of this folder.
namespace weft::control {

inline constexpr std::size_t kMaxRemoved = 65536;
inline constexpr std::size_t kMaxRelays = 4096;

template <typename V>
void describe(V& v, CandidateRecord& r) {
  v.field("kind", r.kind);
  v.field("endpoint", r.endpoint);
}
template <typename V>
void describe(V& v, NatFacts& r) {
  v.optional("mapping", r.mapping);
  v.optional("filtering", r.filtering);
  v.optional("allocation", r.allocation);
  v.optional("delta", r.delta);
  v.optional("port_low", r.port_low);
  v.optional("port_high", r.port_high);
  v.nonzero("nat_hops", r.nat_hops);
  v.nonzero("layers", r.layers);
  v.nonzero("lifetime_s", r.lifetime_s);
  v.nonzero("hairpinning", r.hairpinning);
  v.nonzero("pooling", r.pooling);
  v.nonzero("port_mapping", r.port_mapping);
  v.nonzero("allocations", r.allocations);
  v.nonzero("searching", r.searching);
}
template <typename V>
void describe(V& v, PeerRecord& r) {
  v.field("id", r.id);
  v.field("name", r.name);
  v.field("node_key", r.node_key);
  v.list("addresses", r.addresses, kMaxAddresses);
  v.optional("home_relay", r.home_relay);
  v.list("candidates", r.candidates, kMaxCandidates);
  v.optional("facts", r.facts);
  v.optional("online", r.online);
  v.nonzero("carries", r.carries);
}
template <typename V>
void describe(V& v, RelayRecord& r) {
  v.field("id", r.id);
  v.field("name", r.name);
  v.field("key", r.key);
  v.list("stream_endpoints", r.stream_endpoints, kMaxRelayEndpoints);
  v.list("stun_endpoints", r.stun_endpoints, kMaxRelayEndpoints);
  v.field("tls", r.tls);
}
template <typename V>
void describe(V& v, RelayOffer& r) {
  v.field("key", r.key);
  v.list("stream_endpoints", r.stream_endpoints, kMaxRelayEndpoints);
  v.list("stun_endpoints", r.stun_endpoints, kMaxRelayEndpoints);
  v.field("tls", r.tls);
}
template <typename V>
void describe(V& v, Register& r) {
  v.field("node_key", r.registration.node_key);
  v.field("name", r.registration.name);
  v.optional("secret", r.registration.secret);
  v.optional("role", r.registration.role);
  v.optional("provenance", r.registration.provenance);
  v.optional("relay", r.registration.relay);
  v.optional("epoch", r.epoch);
  v.optional("revision", r.revision);
}
template <typename V>
void describe(V& v, Publish& r) {
  v.list("candidates", r.candidates, kMaxCandidates);
  v.optional("facts", r.facts);
  v.optional("home_relay", r.home_relay);
  v.nonzero("carries", r.carries);
}
template <typename V>
void describe(V& v, Ping& r) {
  v.field("id", r.id);
}
template <typename V>
void describe(V& v, Accepted& r) {
  v.field("id", r.id);
  v.field("name", r.name);
  v.list("addresses", r.addresses, kMaxAddresses);
  v.optional("relay_id", r.relay_id);
  v.field("coordinator", r.coordinator);
  v.field("time_ns", r.time_ns);
}
template <typename V, typename Peer>
void describe(V& v, BasicMapUpdate<Peer>& r) {
  v.field("epoch", r.epoch);
  v.field("revision", r.revision);
  v.optional("reset", r.reset);
  v.optional("complete", r.complete);
  v.list("peers", r.peers, kMaxPeersPerUpdate);
  v.list("removed_peers", r.removed_peers, kMaxRemoved);
  v.list("relays", r.relays, kMaxRelays);
  v.list("removed_relays", r.removed_relays, kMaxRelays);
}
template <typename V>
void describe(V& v, Admission& r) {
  v.field("admission", r.admission);
}
template <typename V>
void describe(V& v, Revocation& r) {
  v.field("node_key", r.node_key);
  v.field("until_s", r.until_s);
}
template <typename V>
void describe(V& v, Signal& r) {
  v.field("peer", r.peer);
  v.field("datagram", r.datagram);
}
template <typename V>
void describe(V& v, Pong& r) {
  v.field("id", r.id);
  v.field("time_ns", r.time_ns);
}
template <typename V>
void describe(V& v, Refusal& r) {
  v.field("code", r.code);
  v.field("message", r.message);
}

// What each type of value is in CBOR.

template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = !std::is_same_v<T, std::uint8_t>;
template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsFixedBytes = false;
template <typename Tag>
inline constexpr bool kIsFixedBytes<crypto::PublicBytes<Tag>> = true;
template <>
inline constexpr bool kIsFixedBytes<SetupSecret> = true;

bool put_text(ErrorCode& code, std::string_view text);
std::string_view text_of(ErrorCode code);
Bytes binary_of(const Endpoint& endpoint);
bool put_binary(Endpoint& endpoint, ByteView bytes);
bool put_binary(IpAddress& address, ByteView bytes);
/// Printable ASCII, at most 255 characters.
bool put_text(std::string& out, std::string_view text);
bool put_text(Word& out, std::string_view text);

template <typename Tag>
bool put_binary(crypto::PublicBytes<Tag>& out, ByteView bytes) {
  const auto key = crypto::PublicBytes<Tag>::from_bytes(bytes);
  if (key) out = *key;
  return key.has_value();
}
inline bool put_binary(SetupSecret& out, ByteView bytes) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}
inline bool put_binary(Bytes& out, ByteView bytes) {
  out.assign(bytes.begin(), bytes.end());
  return true;
}
template <typename Tag>
ByteView binary_of(const crypto::PublicBytes<Tag>& value) {
  return value.bytes();
}
inline ByteView binary_of(const SetupSecret& value) { return value; }
inline ByteView binary_of(const Bytes& value) { return value; }
inline ByteView binary_of(const IpAddress& value) { return value.bytes(); }

template <typename T>
inline constexpr bool kIsText =
    std::is_same_v<T, std::string> || std::is_same_v<T, Word> || std::is_same_v<T, ErrorCode>;
inline std::string_view text_of(const std::string& value) { return value; }
inline std::string_view text_of(const Word& value) { return value; }
template <typename T>
inline constexpr bool kIsBinary =
    kIsFixedBytes<T> || std::is_same_v<T, Bytes> || std::is_same_v<T, Endpoint> || std::is_same_v<T, IpAddress>;
template <typename T>
inline constexpr bool kIsEnum = std::is_same_v<T, Role> || std::is_same_v<T, KeyProvenance>;  // 0 or 1

template <typename T>
void write(cbor::Encoder& out, const T& value);

struct FieldCounter {
  std::size_t count = 0;
  template <typename T>
  void field(std::string_view, T&) {
    ++count;
  }
  template <typename T>
  void optional(std::string_view, T& value) {
    if constexpr (kIsOptional<T>) {
      count += value.has_value() ? 1 : 0;
    } else {
      ++count;
    }
  }
  template <typename T>
  void nonzero(std::string_view, T& value) {
    count += value == T{} ? 0 : 1;
  }
  template <typename T>
  void list(std::string_view, std::vector<T>& value, std::size_t) {
    count += value.empty() ? 0 : 1;
  }
};

struct FieldWriter {
  cbor::Encoder& out;
  template <typename T>
  void field(std::string_view name, T& value) {
    out.text(name);
    write(out, value);
  }
  template <typename T>
  void optional(std::string_view name, T& value) {
    if constexpr (kIsOptional<T>) {
      if (value) field(name, *value);
    } else {
      field(name, value);
    }
  }
  template <typename T>
  void nonzero(std::string_view name, T& value) {
    if (value != T{}) field(name, value);
  }
  template <typename T>
  void list(std::string_view name, std::vector<T>& value, std::size_t) {
    if (!value.empty()) field(name, value);
  }
};

template <typename T>
const cbor::Type& type_of();

struct FieldFinder {
  std::string_view key;
  cbor::Member found;
  int index = 0;
  template <typename T>
  void offer(std::string_view name, T& value, std::size_t limit) {
    if (name == key) found = {{&value, &type_of<T>(), limit}, index};
    ++index;
  }
  template <typename T>
  void field(std::string_view name, T& value) {
    offer(name, value, 0);
  }
  template <typename T>
  void optional(std::string_view name, T& value) {
    if constexpr (kIsOptional<T>) {
      if (name == key && !value) value.emplace();
      if (value) {
        offer(name, *value, 0);
      } else {
        ++index;
      }
    } else {
      offer(name, value, 0);
    }
  }
  template <typename T>
  void nonzero(std::string_view name, T& value) {
    offer(name, value, 0);
  }
  template <typename T>
  void list(std::string_view name, std::vector<T>& value, std::size_t limit) {
    offer(name, value, limit);
  }
};

struct RequiredFields {
  std::uint64_t bits = 0;
  int index = 0;
  template <typename T>
  void field(std::string_view, T&) {
    bits |= std::uint64_t{1} << index++;
  }
  template <typename T>
  void optional(std::string_view, T&) {
    ++index;
  }
  template <typename T>
  void nonzero(std::string_view, T&) {
    ++index;
  }
  template <typename T>
  void list(std::string_view, std::vector<T>&, std::size_t) {
    ++index;
  }
};

template <typename T>
void write(cbor::Encoder& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(value);
  } else if constexpr (kIsEnum<T>) {
    out.number(static_cast<std::uint64_t>(value));
  } else if constexpr (std::unsigned_integral<T>) {
    out.number(value);
  } else if constexpr (kIsText<T>) {
    out.text(text_of(value));
  } else if constexpr (kIsBinary<T>) {
    out.binary(binary_of(value));
  } else if constexpr (std::is_same_v<T, EncodedPeer>) {
    out.raw(*value.cbor);
  } else if constexpr (kIsVector<T>) {
    out.array(value.size());
    for (const auto& element : value) write(out, element);
  } else {
    T& record = const_cast<T&>(value);  // the visitors below only read
    FieldCounter counter;
    describe(counter, record);
    out.map(counter.count);
    FieldWriter writer{out};
    describe(writer, record);
  }
}

template <typename T>
cbor::Type make_type() {
  cbor::Type type;
  if constexpr (std::is_same_v<T, bool>) {
    type.boolean = [](void* target, bool value) { return *static_cast<bool*>(target) = value, true; };
  } else if constexpr (kIsEnum<T>) {
    type.number = [](void* target, std::uint64_t value) {
      return *static_cast<T*>(target) = static_cast<T>(value), value <= 1;
    };
  } else if constexpr (std::unsigned_integral<T>) {
    type.number = [](void* target, std::uint64_t value) {
      *static_cast<T*>(target) = static_cast<T>(value);
      return value <= std::numeric_limits<T>::max();
    };
  } else if constexpr (kIsText<T>) {
    type.text = [](void* target, std::string& value) { return put_text(*static_cast<T*>(target), value); };
  } else if constexpr (kIsBinary<T>) {
    type.binary = [](void* target, ByteView value) { return put_binary(*static_cast<T*>(target), value); };
  } else if constexpr (kIsVector<T>) {
    type.element = [](void* target, std::size_t limit) -> std::optional<cbor::Slot> {
      T& list = *static_cast<T*>(target);
      if (list.size() >= limit) return std::nullopt;
      return cbor::Slot{&list.emplace_back(), &type_of<typename T::value_type>(), 0};
    };
  } else {
    type.member = [](void* target, std::string_view key) {
      FieldFinder finder{.key = key, .found = {}, .index = 0};
      describe(finder, *static_cast<T*>(target));
      return finder.found;
    };
    type.required = [] {
      static const std::uint64_t bits = [] {
        T example;
        RequiredFields required;
        describe(required, example);
        return required.bits;
      }();
      return bits;
    };
  }
  return type;
}

template <typename T>
const cbor::Type& type_of() {
  static const cbor::Type type = make_type<T>();
  return type;
}

}  // namespace weft::control

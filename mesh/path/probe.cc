// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/probe.h"

#include <algorithm>

#include "mesh/crypto/aead.h"
#include "mesh/crypto/blake2s.h"

namespace weft::path {
namespace {

enum class MessageType : std::uint8_t { ping = 1, pong = 2, plan = 3, plan_ack = 4, search_offer = 5, carry = 6 };

/// Family (0, 4 or 6), port, address padded to 16 bytes: every endpoint has one length, so a ping can be as long as its
/// pong.
constexpr std::size_t kEndpointSize = 1 + 2 + 16;
constexpr std::size_t kCountSize = 4;
/// Of a ping or pong, the datagram.
constexpr std::size_t kUsualSize = 96;
/// Flags of a ping, and of a pong.
constexpr std::uint8_t kSuspect = 1, kRelayPreferred = 2, kPadded = 4, kAbandoned = 8;
constexpr std::uint8_t kCounts = 1;

void write_endpoint(Writer& writer, const Endpoint& endpoint) {
  const ByteView address = endpoint.address.bytes();
  writer.u8(static_cast<std::uint8_t>(endpoint.address.family())).u16be(endpoint.port).bytes(address);
  writer.zeros(16 - address.size());
}

/// nullopt for family 0 (no endpoint) and for families that do not exist.
std::optional<Endpoint> read_endpoint(Reader& reader) {
  const std::uint8_t family = reader.u8();
  const std::uint16_t port = reader.u16be();
  const ByteView address = reader.bytes(16);
  if (reader.failed() || (family != 4 && family != 6)) return std::nullopt;
  const auto parsed = IpAddress::from_bytes(address.first(family == 4 ? 4 : 16));
  if (!parsed) return std::nullopt;
  return Endpoint{*parsed, port};
}

std::uint16_t whole_seconds(Duration time) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(time / 1s, 0, 0xffff));
}

struct Encoder {
  Writer& writer;

  void operator()(const Ping& ping) const {
    writer.u8(static_cast<std::uint8_t>((ping.suspect ? kSuspect : 0) | (ping.relay_preferred ? kRelayPreferred : 0) |
                                        (ping.size != 0 ? kPadded : 0) | (ping.abandoned ? kAbandoned : 0)));
    writer.zeros(kEndpointSize + kCountSize).u16be(whole_seconds(ping.lifetime));
    const std::size_t length = writer.size() + crypto::kAeadTagSize;
    if (ping.size > length) writer.zeros(ping.size - length);
  }
  void operator()(const Pong& pong) const {
    writer.u8(pong.received ? kCounts : 0);
    if (pong.observed) {
      write_endpoint(writer, *pong.observed);
    } else {
      writer.zeros(kEndpointSize);
    }
    writer.u32be(pong.received.value_or(0)).u16be(whole_seconds(pong.lifetime));
  }
  void operator()(const Plan& plan) const {
    const std::size_t count = std::min(plan.candidates.size(), kMaxPlanCandidates);
    const auto start_ms = std::clamp<std::int64_t>(plan.start / 1ms, 0, 0xffff);
    writer.u8(static_cast<std::uint8_t>(plan.facts.mapping)).u8(static_cast<std::uint8_t>(plan.facts.filtering));
    writer.u8(plan.facts.udp_blocked ? 1 : 0).u16be(static_cast<std::uint16_t>(start_ms));
    writer.u8(static_cast<std::uint8_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      writer.u8(static_cast<std::uint8_t>(plan.candidates[i].kind));
      write_endpoint(writer, plan.candidates[i].endpoint);
    }
    writer.u8(static_cast<std::uint8_t>(plan.facts.allocation)).u16be(static_cast<std::uint16_t>(plan.facts.delta));
    writer.u16be(plan.facts.ports.low).u16be(plan.facts.ports.high).u8(plan.facts.nat_hops);
    writer.u16be(whole_seconds(plan.facts.lifetime));
    writer.u8(static_cast<std::uint8_t>(plan.facts.port_mapping)).u8(static_cast<std::uint8_t>(plan.facts.hairpinning));
    writer.u8(static_cast<std::uint8_t>(plan.facts.pooling)).u8(plan.facts.layers);
    writer.u8(plan.facts.allocations_per_minute ? 1 : 0).u16be(plan.facts.allocations_per_minute.value_or(0));
  }
  void operator()(const PlanAck&) const {}
  void operator()(const SearchOffer& offer) const {
    const auto& pattern = offer.pattern;
    const std::size_t count = std::min(pattern.ports.size(), PortPattern::kMaxListed);
    writer.u8(static_cast<std::uint8_t>(pattern.kind)).u16be(offer.guesses).u16be(pattern.base);
    writer.u16be(static_cast<std::uint16_t>(pattern.step)).u16be(pattern.range.low).u16be(pattern.range.high);
    writer.u8(static_cast<std::uint8_t>(count));
    for (std::size_t i = 0; i < count; ++i) writer.u16be(pattern.ports[i]);
  }
  void operator()(const Carry& carry) const {
    writer.u8(static_cast<std::uint8_t>(carry.kind)).bytes(carry.node).u32be(carry.channel);
    writer.u8(static_cast<std::uint8_t>(carry.why));
  }
};

MessageType type_of(const Probe& probe) { return static_cast<MessageType>(probe.message.index() + 1); }

/// Behind the header.
void write_message(Writer& writer, const Probe& probe) {
  writer.u8(static_cast<std::uint8_t>(type_of(probe))).u64be(probe.transaction_id);
  std::visit(Encoder{writer}, probe.message);
}

/// Version 0.1 does not send it.
Duration read_lifetime(Reader& reader) {
  return reader.remaining() >= 2 ? std::chrono::seconds(reader.u16be()) : Duration(0s);
}

/// Values that this version does not know read as unknown.
template <typename Behavior>
Behavior read_behavior(Reader& reader) {
  const std::uint8_t value = reader.u8();
  return value <= 4 ? static_cast<Behavior>(value) : Behavior::unknown;
}

template <typename Word>
Word read_word(Reader& reader, Word last) {
  const std::uint8_t value = reader.u8();
  return value <= static_cast<std::uint8_t>(last) ? static_cast<Word>(value) : Word{};
}

/// A range that is none reads as not known.
PortRange read_range(Reader& reader) {
  const std::uint16_t low = reader.u16be();
  const std::uint16_t high = reader.u16be();
  return low == 0 || high < low ? PortRange{} : PortRange{low, high};
}

/// What later versions of a plan say about the NAT.
void read_allocation(Reader& reader, NatFacts& facts) {
  facts.allocation = read_word(reader, Allocation::random);
  facts.delta = static_cast<std::int16_t>(reader.u16be());
  facts.ports = read_range(reader);
  facts.nat_hops = reader.u8();
  facts.lifetime = std::chrono::seconds(reader.u16be());
  if (reader.remaining() == 0) return;
  facts.port_mapping = read_word(reader, PortMapping::off);
  facts.hairpinning = read_word(reader, Hairpinning::external_source);
  facts.pooling = read_word(reader, Pooling::arbitrary);
  facts.layers = reader.u8();
  const bool measured = (reader.u8() & 1) != 0;
  const std::uint16_t rate = reader.u16be();
  if (measured) facts.allocations_per_minute = rate;
}

std::expected<Plan, ProbeError> read_plan(Reader& reader) {
  Plan plan;
  plan.facts.mapping = read_behavior<Mapping>(reader);
  plan.facts.filtering = read_behavior<Filtering>(reader);
  plan.facts.udp_blocked = (reader.u8() & 1) != 0;
  plan.start = std::chrono::milliseconds(reader.u16be());
  const std::size_t count = reader.u8();
  if (reader.failed() || count > kMaxPlanCandidates) return std::unexpected(ProbeError::malformed);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t kind = reader.u8();
    const auto endpoint = read_endpoint(reader);
    if (reader.failed()) return std::unexpected(ProbeError::malformed);
    if (is_candidate_kind(kind) && endpoint) {
      plan.candidates.push_back({static_cast<CandidateKind>(kind), *endpoint});
    }
  }
  if (reader.remaining() > 0) read_allocation(reader, plan.facts);
  if (reader.failed()) return std::unexpected(ProbeError::malformed);
  return plan;
}

std::expected<SearchOffer, ProbeError> read_offer(Reader& reader) {
  SearchOffer offer;
  const std::uint8_t kind = reader.u8();
  offer.guesses = reader.u16be();
  offer.pattern.base = reader.u16be();
  offer.pattern.step = static_cast<std::int16_t>(reader.u16be());
  offer.pattern.range = read_range(reader);
  const std::size_t count = reader.u8();
  if (reader.failed() || kind < 1 || kind > 3 || count > PortPattern::kMaxListed) {
    return std::unexpected(ProbeError::malformed);
  }
  offer.pattern.kind = static_cast<PortPattern::Kind>(kind);
  for (std::size_t i = 0; i < count; ++i) offer.pattern.ports.push_back(reader.u16be());
  if (reader.failed()) return std::unexpected(ProbeError::malformed);
  return offer;
}

std::expected<Carry, ProbeError> read_carry(Reader& reader) {
  Carry carry;
  const std::uint8_t kind = reader.u8();
  const ByteView node = reader.bytes(carry.node.size());
  carry.channel = reader.u32be();
  carry.why = read_word(reader, Carry::Refusal::full);
  if (reader.failed() || kind < 1 || kind > 4) return std::unexpected(ProbeError::malformed);
  carry.kind = static_cast<Carry::Kind>(kind);
  if ((carry.kind == Carry::Kind::bound) != (carry.channel != 0)) return std::unexpected(ProbeError::malformed);
  std::copy(node.begin(), node.end(), carry.node.begin());
  return carry;
}

}  // namespace

KeyId key_id(const crypto::PublicKey& node_key) {
  const auto digest = crypto::blake2s({node_key.bytes()});
  KeyId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

crypto::SymmetricKey probe_key(const crypto::SharedSecret& shared) {
  std::array<crypto::Blake2sDigest, 1> output;
  crypto::kdf_blake2s(as_bytes("weft probe 1"), shared.bytes(), output);
  crypto::SymmetricKey key(output[0]);
  crypto::wipe(output[0]);
  return key;
}

std::string_view describe(ProbeError error) {
  switch (error) {
    case ProbeError::too_short:
      return "shorter than a probe's header and tag";
    case ProbeError::wrong_version:
      return "no probe, or one of another version";
    case ProbeError::bad_tag:
      return "not sealed with this peer's key";
    case ProbeError::malformed:
      return "a field is missing or out of range";
    case ProbeError::unknown_message:
      return "a message type of a later version";
  }
  return "unknown";
}

Bytes seal(const Probe& probe, const crypto::SymmetricKey& key, const KeyId& sender, Random& random) {
  std::array<std::uint8_t, crypto::kXNonceSize> nonce;
  random.fill(nonce);
  Writer writer;
  writer.reserve(kUsualSize).u8(kProbeMagic).u8(kProbeVersion).bytes(sender).bytes(nonce);
  write_message(writer, probe);
  Bytes datagram = writer.zeros(crypto::kAeadTagSize).take();
  const MutableByteView all(datagram);
  crypto::xaead_seal_in_place(key, nonce, all.subspan(kProbeHeaderSize), all.first(kProbeHeaderSize));
  return datagram;
}

std::optional<KeyId> sender_of(ByteView datagram) {
  if (datagram.size() < kProbeHeaderSize || datagram[0] != kProbeMagic || datagram[1] != kProbeVersion)
    return std::nullopt;
  KeyId id;
  std::copy_n(datagram.begin() + 2, id.size(), id.begin());
  return id;
}

std::expected<Probe, ProbeError> open(ByteView datagram, const crypto::SymmetricKey& key) {
  if (datagram.size() < kProbeHeaderSize + crypto::kAeadTagSize) return std::unexpected(ProbeError::too_short);
  if (!sender_of(datagram)) return std::unexpected(ProbeError::wrong_version);
  std::array<std::uint8_t, crypto::kXNonceSize> nonce;
  std::copy_n(datagram.begin() + 10, nonce.size(), nonce.begin());
  const auto plain =
      crypto::xaead_open(key, nonce, datagram.subspan(kProbeHeaderSize), datagram.first(kProbeHeaderSize));
  if (!plain) return std::unexpected(ProbeError::bad_tag);
  return parse_message(*plain);
}

std::expected<Probe, ProbeError> parse_message(ByteView plaintext) {
  Reader reader(plaintext);
  const auto type = static_cast<MessageType>(reader.u8());
  Probe probe{reader.u64be(), {}};
  switch (type) {
    case MessageType::ping: {
      const std::uint8_t flags = reader.u8();
      Ping ping{.suspect = (flags & kSuspect) != 0,
                .relay_preferred = (flags & kRelayPreferred) != 0,
                .abandoned = (flags & kAbandoned) != 0};
      reader.skip(kEndpointSize);
      if (reader.remaining() >= kCountSize) reader.skip(kCountSize);
      ping.lifetime = read_lifetime(reader);
      if ((flags & kPadded) != 0)
        ping.size = static_cast<std::uint16_t>(kProbeHeaderSize + plaintext.size() + crypto::kAeadTagSize);
      probe.message = ping;
      break;
    }
    case MessageType::pong: {
      const bool counts = (reader.u8() & kCounts) != 0;
      Pong pong{.observed = read_endpoint(reader)};
      if (counts || reader.remaining() >= kCountSize) {
        const std::uint32_t received = reader.u32be();
        if (counts) pong.received = received;
      }
      pong.lifetime = read_lifetime(reader);
      probe.message = pong;
      break;
    }
    case MessageType::plan: {
      auto plan = read_plan(reader);
      if (!plan) return std::unexpected(plan.error());
      probe.message = std::move(*plan);
      break;
    }
    case MessageType::plan_ack:
      probe.message = PlanAck{};
      break;
    case MessageType::search_offer: {
      auto offer = read_offer(reader);
      if (!offer) return std::unexpected(offer.error());
      probe.message = std::move(*offer);
      break;
    }
    case MessageType::carry: {
      const auto carry = read_carry(reader);
      if (!carry) return std::unexpected(carry.error());
      probe.message = *carry;
      break;
    }
    default:
      return std::unexpected(reader.failed() ? ProbeError::malformed : ProbeError::unknown_message);
  }
  if (reader.failed()) return std::unexpected(ProbeError::malformed);
  return probe;
}

}  // namespace weft::path

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/server.h"

#include <algorithm>

#include "mesh/stun/integrity.h"

namespace weft::stun {
namespace {

/// Most bytes of PADDING an answer carries: RFC 5780 §7.6 wants the interface's MTU, and an answer must not outgrow its
/// request.
constexpr std::size_t kMaxPadding = 1500;

/// Comprehension-required attributes that this server understands, or may ignore since it asks for no credentials.
bool understood(AttributeType type) {
  switch (type) {
    case AttributeType::change_request:
    case AttributeType::padding:
    case AttributeType::response_port:
    case AttributeType::username:
    case AttributeType::message_integrity:
    case AttributeType::message_integrity_sha256:
    case AttributeType::realm:
    case AttributeType::nonce:
    case AttributeType::userhash:
    case AttributeType::password_algorithm:
    case AttributeType::priority:
    case AttributeType::use_candidate:
      return true;
    default:
      return static_cast<std::uint16_t>(type) >= 0x8000;
  }
}

std::vector<AttributeType> not_understood(const Message& request) {
  std::vector<AttributeType> unknown;
  for (const Attribute& attribute : request.attributes) {
    if (!understood(attribute.type)) unknown.push_back(attribute.type);
  }
  return unknown;
}

bool malformed_value(const auto& read) { return !read && read.error() != StunError::no_attribute; }

}  // namespace

std::optional<Datagram> Server::handle_datagram(Time now, const Endpoint& from, const Endpoint& local,
                                                ByteView datagram) {
  const auto request = parse(datagram);
  if (!request || (request->has(AttributeType::fingerprint) && !check_fingerprint(datagram))) {
    ++counters_.malformed;
    return std::nullopt;
  }
  if (request->message_class != Class::request || request->method != kBindingMethod) {
    ++counters_.ignored;
    return std::nullopt;
  }
  const auto unknown = not_understood(*request);
  if (!unknown.empty()) return refuse(*request, from, local, {420, "Unknown Attribute"}, unknown);

  const auto change = change_request(*request);
  const auto port = response_port(*request);
  const auto delay = response_delay(*request);
  const bool both = port && request->has(AttributeType::padding);  // RFC 5780 §7.6
  if (malformed_value(change) || malformed_value(port) || malformed_value(delay) || both) {
    return refuse(*request, from, local, {400, "Bad Request"}, {});
  }
  const auto source = changed(local, change.value_or(ChangeRequest{}));
  if (!source) {  // RFC 5780 §6.1: as if CHANGE-REQUEST were unknown
    return refuse(*request, from, local, {420, "Unknown Attribute"}, {AttributeType::change_request});
  }

  Message response{.message_class = Class::success, .transaction_id = request->transaction_id};
  add_xor_mapped_address(response, from);
  add_address(response, AttributeType::response_origin, *source);
  if (const auto other = other_address(local)) add_address(response, AttributeType::other_address, *other);
  if (const Attribute* padding = request->find(AttributeType::padding)) {
    add_padding(response, std::min(padding->value.size(), kMaxPadding));
  }
  Datagram answer = finish(*request, std::move(response), *source, {from.address, port.value_or(from.port)});
  if (delay.value_or(Duration{0}) > Duration{0}) {
    if (delayed_.add(now, *delay, from, request->transaction_id, std::move(answer))) {
      ++counters_.answered;
      return std::nullopt;
    }
    return refuse(*request, from, local, {508, "Insufficient Capacity"}, {});
  }
  ++counters_.answered;
  return answer;
}

/// The configured endpoint that differs from `local` in just what `change` asks for; nullopt if there is none.
std::optional<Endpoint> Server::changed(const Endpoint& local, ChangeRequest change) const {
  if (!change.address && !change.port) return local;
  for (const Endpoint& configured : config_.endpoints) {
    if (configured.address.family() != local.address.family()) continue;
    const bool any = configured.address.is_unspecified();
    const Endpoint candidate{any ? local.address : configured.address, configured.port};
    const bool address_fits = (candidate.address != local.address) == change.address;
    if (address_fits && (candidate.port != local.port) == change.port) return candidate;
  }
  return std::nullopt;
}

/// The endpoint that differs in most: address and port, else address, else port.
std::optional<Endpoint> Server::other_address(const Endpoint& local) const {
  for (const ChangeRequest change :
       {ChangeRequest{true, true}, ChangeRequest{true, false}, ChangeRequest{false, true}}) {
    if (const auto found = changed(local, change)) return found;
  }
  return std::nullopt;
}

std::optional<Datagram> Server::refuse(const Message& request, const Endpoint& from, const Endpoint& local,
                                       ErrorCode error, const std::vector<AttributeType>& unknown) {
  Message response{.message_class = Class::error, .transaction_id = request.transaction_id};
  add_error_code(response, error);
  if (!unknown.empty()) add_unknown_attributes(response, unknown);
  ++counters_.refused;
  return finish(request, std::move(response), local, from);
}

Datagram Server::finish(const Message& request, Message response, const Endpoint& source,
                        const Endpoint& destination) const {
  if (!config_.software.empty()) add_software(response, config_.software);
  Bytes bytes = encode(response);
  if (request.has(AttributeType::fingerprint)) append_fingerprint(bytes);
  return {source, destination, std::move(bytes)};
}

}  // namespace weft::stun

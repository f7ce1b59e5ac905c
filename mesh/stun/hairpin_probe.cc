// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/hairpin_probe.h"

#include <utility>

#include "mesh/base/deadlines.h"
#include "mesh/stun/nat64.h"

namespace weft::stun {

std::string_view to_string(Hairpinning hairpinning) {
  switch (hairpinning) {
    case Hairpinning::unknown:
      return "unknown";
    case Hairpinning::none:
      return "none";
    case Hairpinning::internal_source:
      return "internal_source";
    case Hairpinning::external_source:
      return "external_source";
  }
  return "unknown";
}

HairpinProbe::HairpinProbe(HairpinProbeConfig config, Random& random) : config_(config) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Message request{.transaction_id = make_transaction_id(random)};
    learning_[i].emplace(config_.server, request, config_.timing);
    ids_[i] = make_transaction_id(random);
  }
}

void HairpinProbe::start(Time now, const std::array<Endpoint, 2>& local) {
  local_ = local;
  for (auto& transaction : learning_) transaction->start(now);
}

bool HairpinProbe::handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram) {
  if (socket >= 2) return false;
  const auto message = parse(datagram);
  if (!message) return false;
  if (learning_[socket]->handle_message(now, from, *message)) {
    settle(now);
    return true;
  }
  const std::size_t other = 1 - socket;
  if (message->message_class != Class::indication || message->transaction_id != ids_[other]) return false;
  // Towards us the sender may have another external port than towards the server.
  if (from == local_[other]) finish(Hairpinning::internal_source);
  if (external_[other] && from.address == external_[other]->address) finish(Hairpinning::external_source);
  return true;
}

void HairpinProbe::handle_timeout(Time now) {
  for (auto& transaction : learning_) transaction->handle_timeout(now);
  settle(now);
}

void HairpinProbe::settle(Time now) {
  if (finished_) return;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto event = learning_[i]->poll_event();
    if (!event) continue;
    const auto* answered = std::get_if<Answered>(&*event);
    const auto reflexive = answered ? reflexive_address(answered->response) : std::unexpected(StunError::no_attribute);
    if (!reflexive) return finish(Hairpinning::unknown);
    external_[i] = through_nat64(config_.nat64_prefix, *reflexive);
    if (external_[0] && external_[1]) next_round_ = now;
  }
  if (!next_round_ || *next_round_ > now) return;
  // Without translation there is nothing to hairpin.
  if (external_[0] == local_[0]) return finish(Hairpinning::unknown);
  if (round_++ == config_.rounds) return finish(Hairpinning::none);
  transmit_ = {true, true};
  next_round_ = now + config_.gap;
}

void HairpinProbe::finish(Hairpinning result) {
  if (std::exchange(finished_, true)) return;
  next_round_.reset();
  transmit_ = {};
  event_ = result;
}

std::optional<SocketDatagram> HairpinProbe::poll_transmit() {
  for (std::size_t i = 0; i < 2; ++i) {
    if (finished_) break;
    if (auto datagram = learning_[i]->poll_transmit()) return SocketDatagram{i, config_.server, datagram->bytes};
    if (!std::exchange(transmit_[i], false)) continue;
    const Message hello{.message_class = Class::indication, .transaction_id = ids_[i]};
    return SocketDatagram{i, *external_[1 - i], encode(hello)};
  }
  return std::nullopt;
}

std::optional<Hairpinning> HairpinProbe::poll_event() { return std::exchange(event_, std::nullopt); }

std::optional<Time> HairpinProbe::next_deadline() const {
  if (finished_) return std::nullopt;
  return earlier(next_round_, earlier(learning_[0]->next_deadline(), learning_[1]->next_deadline()));
}

}  // namespace weft::stun

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/upnp_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace weft::portmap {
namespace {

constexpr Duration kSearchWaits[] = {500ms, 1s, 1500ms};
constexpr Duration kExchangeLimit = 5s;
constexpr int kMaxAttempts = 5;

// Codes of WANIPConnection:2 §2.5.16 and §2.5.20.
constexpr std::uint32_t kInvalidAction = 401, kNotAuthorised = 606, kConflict = 718, kSamePortOnly = 724,
                        kPermanentLeasesOnly = 725, kConflictWithOther = 729, kNoPortMapsAvailable = 728;

std::string protocol_name(Protocol protocol) { return protocol == Protocol::udp ? "UDP" : "TCP"; }

PortmapError error_of(std::uint32_t fault) {
  switch (fault) {
    case kNotAuthorised:
      return PortmapError::not_authorised;
    case kConflict:
    case kConflictWithOther:
    case kNoPortMapsAvailable:
      return PortmapError::no_resources;
    case kInvalidAction:
      return PortmapError::unsupported;
    default:
      return PortmapError::other;
  }
}

template <typename Value>
Value take_front(Queue<Value>& queue) {
  Value value = std::move(queue.front());
  queue.pop_front();
  return value;
}

}  // namespace

void UpnpClient::probe(Time now) {
  if (service_) return push(now, AskAddress{});
  if (searches_ > 0 || running_) return;
  deadlines_.set(Timer::search, now);
  handle_timeout(now);
}

void UpnpClient::map(Time now, const Wish& wish, std::uint16_t suggested_port, Duration lifetime) {
  if (!service_) return events_.emplace_back(Refused{wish, PortmapError::no_answer, 0});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  push(now, AskAddress{});
  push(now, Add{wish, suggested_port, static_cast<std::uint32_t>(seconds)});
}

void UpnpClient::unmap(Time now, const Wish& wish, std::uint16_t external_port) {
  if (service_) push(now, Delete{wish, external_port});
}

/// The search goes to the group and to the gateway itself (UDA 1.1 §1.3.2), which some networks need.
void UpnpClient::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::search, now)) {
    if (searches_ == static_cast<int>(std::size(kSearchWaits))) {
      searches_ = 0;
      events_.emplace_back(NotFound{});
    } else {
      for (const IpAddress& to : {kSsdpGroup, router_.gateway}) {
        out_.push_back({{to, kSsdpPort}, ssdp_search({to, kSsdpPort})});
      }
      deadlines_.set(Timer::search, now + kSearchWaits[searches_++]);
    }
  }
  if (deadlines_.take_expired(Timer::exchange, now)) finish(now, std::nullopt);
}

/// Only the gateway may say where the gateway is.
void UpnpClient::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  if (searches_ == 0 || from.address != router_.gateway) return;
  const auto location = parse_ssdp_answer(datagram);
  if (!location || location->server.address != router_.gateway) return;
  deadlines_.clear(Timer::search);
  searches_ = 0;
  location_ = location;
  push(now, Describe{});
}

void UpnpClient::push(Time now, Job job) {
  jobs_.push_back(std::move(job));
  start(now);
}

const char* UpnpClient::action_of(const Add&) const {
  return service_->version_2() ? "AddAnyPortMapping" : "AddPortMapping";
}

Bytes UpnpClient::request_of(const Job& job) const {
  if (std::holds_alternative<Describe>(job)) return http_get(*location_);
  if (std::holds_alternative<AskAddress>(job)) return soap_request(*service_, "GetExternalIPAddress", {});
  if (const auto* add = std::get_if<Add>(&job)) {
    return soap_request(*service_, action_of(*add),
                        {{"NewRemoteHost", ""},
                         {"NewExternalPort", std::to_string(add->port)},
                         {"NewProtocol", protocol_name(add->wish.protocol)},
                         {"NewInternalPort", std::to_string(add->wish.internal_port)},
                         {"NewInternalClient", router_.local.to_string()},
                         {"NewEnabled", "1"},
                         {"NewPortMappingDescription", description_},
                         {"NewLeaseDuration", std::to_string(add->lifetime_s)}});
  }
  const auto& del = std::get<Delete>(job);
  return soap_request(*service_, "DeletePortMapping",
                      {{"NewRemoteHost", ""},
                       {"NewExternalPort", std::to_string(del.port)},
                       {"NewProtocol", protocol_name(del.wish.protocol)}});
}

void UpnpClient::start(Time now) {
  if (running_ || jobs_.empty()) return;
  running_ = true;
  parser_ = {};
  const Job& job = jobs_.front();
  const bool describes = std::holds_alternative<Describe>(job);
  http_.push_back({++last_id_, describes ? location_->server : service_->control.server, request_of(job)});
  deadlines_.set(Timer::exchange, now + kExchangeLimit);
}

void UpnpClient::handle_http_data(Time now, std::uint32_t id, ByteView bytes) {
  if (!running_ || id != last_id_) return;
  parser_.handle_data(bytes);
  if (auto response = parser_.poll_response()) return finish(now, response);
  if (parser_.failed()) finish(now, std::nullopt);
}

void UpnpClient::handle_http_closed(Time now, std::uint32_t id) {
  if (!running_ || id != last_id_) return;
  parser_.handle_end();
  finish(now, parser_.poll_response());
}

/// The current exchange is over; nullopt: without an answer.
void UpnpClient::finish(Time now, const std::optional<http::Response>& response) {
  running_ = false;
  done_.push_back(last_id_);
  deadlines_.clear(Timer::exchange);
  const Job job = take_front(jobs_);
  if (std::holds_alternative<Describe>(job)) described(now, response);
  if (std::holds_alternative<AskAddress>(job)) told_address(response);
  if (const auto* add = std::get_if<Add>(&job)) added(now, *add, response);
  start(now);
}

void UpnpClient::described(Time now, const std::optional<http::Response>& response) {
  if (response && response->status == 200) {
    auto services = parse_description(as_text(response->body), *location_);
    if (!services.empty()) service_ = std::move(services.front());
  }
  service_ ? push(now, AskAddress{}) : events_.emplace_back(NotFound{});
}

void UpnpClient::told_address(const std::optional<http::Response>& response) {
  const auto answer = response ? parse_soap_answer(*response, "GetExternalIPAddress") : std::nullopt;
  if (!answer) {
    service_.reset();  // search anew when asked the next time
    const bool more = std::ranges::any_of(jobs_, [](const Job& job) { return std::holds_alternative<Add>(job); });
    for (const Job& job : std::exchange(jobs_, {})) {
      if (const auto* add = std::get_if<Add>(&job))
        events_.emplace_back(Refused{add->wish, PortmapError::no_answer, 0});
    }
    if (!more) events_.emplace_back(NotFound{});
    return;
  }
  const auto value = answer->values.find("NewExternalIPAddress");
  external_ = value == answer->values.end() ? std::nullopt : IpAddress::parse(value->second);
  if (external_ && external_->is_unspecified()) external_.reset();
  events_.emplace_back(Found{external_});
}

void UpnpClient::added(Time now, Add add, const std::optional<http::Response>& response) {
  const auto answer = response ? parse_soap_answer(*response, action_of(add)) : std::nullopt;
  if (!answer) return events_.emplace_back(Refused{add.wish, PortmapError::no_answer, 0});
  if (answer->fault) {
    const bool again = ++add.attempts < kMaxAttempts;
    if (again && *answer->fault == kPermanentLeasesOnly && add.lifetime_s != 0) {
      add.lifetime_s = 0;
    } else if (again && *answer->fault == kSamePortOnly && add.port != add.wish.internal_port) {
      add.port = add.wish.internal_port;
    } else if (again && (*answer->fault == kConflict || *answer->fault == kConflictWithOther)) {
      add.port = static_cast<std::uint16_t>(1024 + (add.port + 1013u) % 64000);
    } else {
      return events_.emplace_back(Refused{add.wish, error_of(*answer->fault), *answer->fault});
    }
    jobs_.push_front(add);
    return start(now);
  }
  std::uint16_t port = add.port;
  if (const auto reserved = answer->values.find("NewReservedPort"); reserved != answer->values.end()) {
    const std::string& text = reserved->second;
    std::from_chars(text.data(), text.data() + text.size(), port);
  }
  if (!external_) return events_.emplace_back(Refused{add.wish, PortmapError::network_failure, 0});
  events_.emplace_back(Granted{add.wish, {*external_, port}, std::chrono::seconds{add.lifetime_s}});
}

std::optional<Datagram> UpnpClient::poll_transmit() {
  return out_.empty() ? std::nullopt : std::optional(take_front(out_));
}
std::optional<HttpExchange> UpnpClient::poll_http() {
  return http_.empty() ? std::nullopt : std::optional(take_front(http_));
}
std::optional<std::uint32_t> UpnpClient::poll_http_done() {
  return done_.empty() ? std::nullopt : std::optional(take_front(done_));
}
std::optional<ClientEvent> UpnpClient::poll_event() {
  return events_.empty() ? std::nullopt : std::optional(take_front(events_));
}

}  // namespace weft::portmap

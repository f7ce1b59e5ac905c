// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/port_mapper.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <variant>

#include "mesh/base/deadlines.h"
#include "mesh/base/queue.h"
#include "mesh/portmap/nat_pmp_client.h"
#include "mesh/portmap/pcp_client.h"
#include "mesh/portmap/upnp_client.h"

namespace weft::portmap {
namespace {

constexpr std::array kMethods = {Method::pcp, Method::nat_pmp, Method::upnp_igd};
/// How long after the start of a search a better method may still answer: PCP is taken at once, NAT-PMP not before the
/// first of these, UPnP not before the second, and neither within kGrace of its answer, unless the better ones have
/// said that they are not there.
constexpr std::array<Duration, 3> kPatience = {0s, 500ms, 2s};
constexpr Duration kGrace = 100ms;
constexpr std::uint32_t kIdsPerRouter = 1u << 16;

std::size_t index(Method method) { return static_cast<std::size_t>(method); }

}  // namespace

std::string_view to_string(MappingState state) {
  switch (state) {
    case MappingState::idle:
      return "idle";
    case MappingState::searching:
      return "searching";
    case MappingState::requesting:
      return "requesting";
    case MappingState::mapped:
      return "mapped";
    case MappingState::verified:
      return "verified";
    case MappingState::dead:
      return "dead";
    case MappingState::unavailable:
      return "unavailable";
  }
  return "unknown";
}

struct PortMapper::State {
  enum class Answer : std::uint8_t { absent, waiting, found };
  enum class Timer : std::uint8_t { patience, recheck, retry, count_ };

  struct Entry {
    MappingReport report;
    std::uint16_t first_choice = 0;     // the external port to ask for while none was granted
    std::optional<Endpoint> suggested;  // what was granted last
    std::optional<Time> renew_at;
    std::set<Method> failed;  // since the last search
  };

  State(Random& draws, MapperConfig given) : random(draws), config(std::move(given)) {}

  bool enabled(Method method) const {
    if (method == Method::pcp) return config.pcp;
    if (router && router->gateway.is_v6()) return false;  // the others know IPv4 alone
    return method == Method::nat_pmp ? config.nat_pmp : config.upnp_igd;
  }
  static bool holds(const Entry& entry) {
    return entry.report.state == MappingState::mapped || entry.report.state == MappingState::verified;
  }

  void search(Time now);
  void probe(Time now, Method method);
  void advance(Time now);
  Time ripe_at(Method method) const {
    return std::max(search_began + kPatience[index(method)], found_at[index(method)] + kGrace);
  }
  std::optional<Method> best(Time now, const Entry& entry, bool& wait) const;
  void request(Time now, Entry& entry, Method method);
  void withdraw(Time now, const Entry& entry);
  void give_up(Time now, Entry& entry, PortmapError error);
  void fall_back(Time now, Entry& entry, MappingState otherwise);
  void drop_exchanges();

  void drain(Time now);
  void handle(Time now, Method method, const ClientEvent& event);
  void granted(Time now, Method method, const Granted& grant);
  void refused(Time now, Method method, const Refused& refusal);
  void restarted(Time now, Method method);
  void report(Entry& entry);
  Entry* find(const Endpoint& external);

  Random& random;
  MapperConfig config;
  std::optional<Router> router;
  PcpNonces nonces;
  // Null without a router, which most hosts do not need: a host that nobody translates asks nothing.
  std::unique_ptr<PcpClient> pcp;
  std::unique_ptr<NatPmpClient> nat_pmp;
  std::unique_ptr<UpnpClient> upnp;
  std::array<Answer, 3> answers{};
  std::array<Time, 3> found_at{};
  Time search_began{};
  Deadlines<Timer> deadlines;
  std::map<Wish, Entry> entries;
  std::map<Wish, MappingReport> reported;
  std::uint32_t id_base = 0;
  std::set<std::uint32_t> exchanges;  // that have been given out
  Queue<std::uint32_t> exchanges_done;
  Queue<MappingChanged> events;
};

void PortMapper::State::report(Entry& entry) {
  MappingReport& last = reported[entry.report.wish];
  if (last == entry.report) return;
  last = entry.report;
  events.push_back({entry.report});
}

void PortMapper::State::probe(Time now, Method method) {
  if (method == Method::pcp) pcp->probe(now);
  if (method == Method::nat_pmp) nat_pmp->probe(now);
  if (method == Method::upnp_igd) upnp->probe(now);
}

/// Asks the gateway what it speaks, and again for every wish that has no mapping.
void PortMapper::State::search(Time now) {
  search_began = now;
  deadlines.clear(Timer::retry);
  for (const Method method : kMethods) {
    answers[index(method)] = enabled(method) ? Answer::waiting : Answer::absent;
    if (enabled(method)) probe(now, method);
  }
  for (auto& [wish, entry] : entries) {
    if (holds(entry)) continue;
    entry.failed.clear();
    entry.report.state = MappingState::searching;
    report(entry);
  }
  advance(now);
}

/// The best method that has not failed for `entry`; `wait` if a better one may still answer.
std::optional<Method> PortMapper::State::best(Time now, const Entry& entry, bool& wait) const {
  bool better_may_come = false;
  wait = false;
  for (const Method method : kMethods) {
    if (entry.failed.contains(method)) continue;
    const Answer answer = answers[index(method)];
    if (answer == Answer::found) {
      wait = better_may_come && now < ripe_at(method);
      return method;
    }
    better_may_come |= answer == Answer::waiting;
  }
  wait = better_may_come;
  return std::nullopt;
}

/// Moves on every wish that waits for the search.
void PortMapper::State::advance(Time now) {
  deadlines.clear(Timer::patience);
  for (auto& [wish, entry] : entries) {
    if (entry.report.state != MappingState::searching) continue;
    bool wait = false;
    const auto method = best(now, entry, wait);
    if (wait) {
      if (method) deadlines.set(Timer::patience, ripe_at(*method));
    } else if (method) {
      request(now, entry, *method);
    } else {
      give_up(now, entry,
              entry.failed.empty() ? PortmapError::no_answer : entry.report.error.value_or(PortmapError::no_answer));
    }
  }
}

void PortMapper::State::request(Time now, Entry& entry, Method method) {
  const Wish& wish = entry.report.wish;
  if (!holds(entry)) entry.report.state = MappingState::requesting;
  entry.report.method = method;
  entry.renew_at.reset();
  const Endpoint suggested =
      entry.suggested.value_or(Endpoint{IpAddress::any(router->gateway.family()), entry.first_choice});
  if (method == Method::pcp) pcp->map(now, wish, suggested, config.lifetime);
  if (method == Method::nat_pmp) nat_pmp->map(now, wish, suggested.port, config.lifetime);
  if (method == Method::upnp_igd) upnp->map(now, wish, suggested.port, config.lifetime);
  report(entry);
}

void PortMapper::State::withdraw(Time now, const Entry& entry) {
  if (!entry.report.method || !entry.report.external) return;
  const Wish& wish = entry.report.wish;
  if (entry.report.method == Method::pcp) pcp->unmap(now, wish);
  if (entry.report.method == Method::nat_pmp) nat_pmp->unmap(now, wish);
  if (entry.report.method == Method::upnp_igd) upnp->unmap(now, wish, entry.report.external->port);
}

void PortMapper::State::give_up(Time now, Entry& entry, PortmapError error) {
  entry.report.state = MappingState::unavailable;
  entry.report.error = error;
  entry.report.method.reset();
  if (!deadlines.armed(Timer::retry)) deadlines.set(Timer::retry, now + config.retry);
  report(entry);
}

/// The method of `entry` has failed it: the next one, or nothing for a while.
void PortMapper::State::fall_back(Time now, Entry& entry, MappingState otherwise) {
  if (entry.report.method) entry.failed.insert(*entry.report.method);
  entry.report.external.reset();
  entry.report.lifetime = Duration{0};
  entry.report.behind_another_nat = false;
  entry.renew_at.reset();
  entry.report.state = MappingState::searching;
  bool wait = false;
  const auto method = best(now, entry, wait);
  if (method && !wait) return request(now, entry, *method);
  if (wait) {
    report(entry);
    return advance(now);
  }
  entry.report.state = otherwise;
  entry.report.method.reset();
  if (!deadlines.armed(Timer::retry)) deadlines.set(Timer::retry, now + config.retry);
  report(entry);
}

void PortMapper::State::granted(Time now, Method method, const Granted& grant) {
  const auto found = entries.find(grant.wish);
  if (found == entries.end() || found->second.report.method != method) return;
  Entry& entry = found->second;
  const bool same = entry.report.state == MappingState::verified && entry.report.external == grant.external;
  entry.report.state = same ? MappingState::verified : MappingState::mapped;
  entry.report.external = grant.external;
  entry.report.lifetime = grant.lifetime;
  entry.report.behind_another_nat = grant.external.address.is_private();
  entry.report.error.reset();
  entry.suggested = grant.external;
  // A lease without end is asked for again too: a gateway that restarts forgets it. RFC 6887 §11.2.1: 1/2 to 5/8.
  const Duration lifetime = grant.lifetime > Duration{0} ? grant.lifetime : config.lifetime;
  entry.renew_at = now + random.between(lifetime / 2, lifetime * 5 / 8);
  if (!deadlines.armed(Timer::recheck)) deadlines.set(Timer::recheck, now + config.recheck);
  report(entry);
}

void PortMapper::State::refused(Time now, Method method, const Refused& refusal) {
  const auto found = entries.find(refusal.wish);
  if (found == entries.end() || found->second.report.method != method) return;
  found->second.report.error = refusal.error;
  fall_back(now, found->second, MappingState::unavailable);
}

void PortMapper::State::restarted(Time now, Method method) {
  for (auto& [wish, entry] : entries) {
    if (!holds(entry) || entry.report.method != method) continue;
    entry.report.state = MappingState::requesting;
    entry.report.external.reset();
    request(now, entry, method);
  }
}

void PortMapper::State::handle(Time now, Method method, const ClientEvent& event) {
  Answer& answer = answers[index(method)];
  if (std::holds_alternative<Found>(event)) {
    if (answer != Answer::waiting) return;
    answer = Answer::found;
    found_at[index(method)] = now;
    advance(now);
  } else if (std::holds_alternative<NotFound>(event)) {
    const bool was_there = std::exchange(answer, Answer::absent) == Answer::found;
    if (!was_there) return advance(now);
    for (auto& [wish, entry] : entries) {
      if (entry.report.method != method) continue;
      entry.report.error = PortmapError::no_answer;
      fall_back(now, entry, MappingState::unavailable);
    }
  } else if (const auto* grant = std::get_if<Granted>(&event)) {
    granted(now, method, *grant);
  } else if (const auto* refusal = std::get_if<Refused>(&event)) {
    refused(now, method, *refusal);
  } else {
    restarted(now, method);
  }
}

void PortMapper::State::drain(Time now) {
  for (bool more = true; more && router;) {
    more = false;
    for (const Method method : kMethods) {
      const auto event = method == Method::pcp       ? pcp->poll_event()
                         : method == Method::nat_pmp ? nat_pmp->poll_event()
                                                     : upnp->poll_event();
      if (!event) continue;
      handle(now, method, *event);
      more = true;
    }
  }
}

void PortMapper::State::drop_exchanges() {
  for (const std::uint32_t id : std::exchange(exchanges, {})) exchanges_done.push_back(id);
  id_base += kIdsPerRouter;
}

PortMapper::State::Entry* PortMapper::State::find(const Endpoint& external) {
  for (auto& [wish, entry] : entries) {
    if (holds(entry) && entry.report.external == external) return &entry;
  }
  return nullptr;
}

PortMapper::PortMapper(Random& random, MapperConfig config)
    : state_(std::make_unique<State>(random, std::move(config))) {}
PortMapper::~PortMapper() = default;

void PortMapper::set_router(Time now, std::optional<Router> router) {
  State& s = *state_;
  if (router && router->gateway.family() != router->local.family()) router.reset();
  if (router == s.router) return;
  s.router = router;
  s.drop_exchanges();
  s.deadlines.clear_all();
  for (auto& [wish, entry] : s.entries) {
    entry = {
        .report = {.wish = wish}, .first_choice = entry.first_choice, .suggested = {}, .renew_at = {}, .failed = {}};
    s.report(entry);
  }
  if (!router) return;
  s.pcp = std::make_unique<PcpClient>(*router, s.random, s.nonces);
  s.nat_pmp = std::make_unique<NatPmpClient>(router->gateway);
  s.upnp = std::make_unique<UpnpClient>(*router, s.config.description);
  if (!s.entries.empty()) s.search(now);
  s.drain(now);
}

void PortMapper::add(Time now, const Wish& wish, std::uint16_t suggested) {
  State& s = *state_;
  const auto [at, fresh] = s.entries.try_emplace(wish);
  if (!fresh) return;
  at->second.report.wish = wish;
  at->second.first_choice = suggested != 0 ? suggested : wish.internal_port;
  if (s.router) s.search(now);
  s.drain(now);
}

void PortMapper::remove(Time now, const Wish& wish) {
  State& s = *state_;
  const auto at = s.entries.find(wish);
  if (at == s.entries.end()) return;
  if (s.router) s.withdraw(now, at->second);
  at->second.report = {.wish = wish};
  s.report(at->second);
  s.entries.erase(at);
  s.reported.erase(wish);
  s.drain(now);
}

void PortMapper::remove_all(Time now) {
  while (!state_->entries.empty()) remove(now, Wish(state_->entries.begin()->first));
}

void PortMapper::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  State& s = *state_;
  if (!s.router) return;
  s.pcp->handle_datagram(now, from, datagram);
  s.nat_pmp->handle_datagram(now, from, datagram);
  s.upnp->handle_datagram(now, from, datagram);
  s.drain(now);
}

void PortMapper::handle_http_data(Time now, std::uint32_t id, ByteView bytes) {
  State& s = *state_;
  if (!s.router || !s.exchanges.contains(id)) return;
  s.upnp->handle_http_data(now, id - s.id_base, bytes);
  s.drain(now);
}

void PortMapper::handle_http_closed(Time now, std::uint32_t id) {
  State& s = *state_;
  if (!s.router || s.exchanges.erase(id) == 0) return;
  s.upnp->handle_http_closed(now, id - s.id_base);
  s.drain(now);
}

void PortMapper::handle_verified(Time, const Endpoint& external) {
  auto* entry = state_->find(external);
  if (entry == nullptr) return;
  entry->report.state = MappingState::verified;
  state_->report(*entry);
}

void PortMapper::handle_unreachable(Time now, const Endpoint& external) {
  State& s = *state_;
  auto* entry = s.find(external);
  if (entry == nullptr) return;
  s.withdraw(now, *entry);
  s.fall_back(now, *entry, MappingState::dead);
  s.drain(now);
}

void PortMapper::handle_timeout(Time now) {
  State& s = *state_;
  if (!s.router) return;
  s.pcp->handle_timeout(now);
  s.nat_pmp->handle_timeout(now);
  s.upnp->handle_timeout(now);
  s.drain(now);
  if (s.deadlines.take_expired(State::Timer::patience, now)) s.advance(now);
  if (s.deadlines.take_expired(State::Timer::retry, now)) s.search(now);
  if (s.deadlines.take_expired(State::Timer::recheck, now)) {
    std::set<Method> in_use;
    for (const auto& [wish, entry] : s.entries) {
      if (State::holds(entry) && entry.report.method != Method::upnp_igd) in_use.insert(*entry.report.method);
    }
    for (const Method method : in_use) s.probe(now, method);
    if (!in_use.empty()) s.deadlines.set(State::Timer::recheck, now + s.config.recheck);
  }
  for (auto& [wish, entry] : s.entries) {
    if (entry.renew_at && *entry.renew_at <= now) s.request(now, entry, *entry.report.method);
  }
  s.drain(now);
}

std::optional<Datagram> PortMapper::poll_transmit() {
  State& s = *state_;
  if (!s.router) return std::nullopt;
  if (auto datagram = s.pcp->poll_transmit()) return datagram;
  if (auto datagram = s.nat_pmp->poll_transmit()) return datagram;
  return s.upnp->poll_transmit();
}

std::optional<HttpExchange> PortMapper::poll_http() {
  State& s = *state_;
  if (!s.router) return std::nullopt;
  auto exchange = s.upnp->poll_http();
  if (!exchange) return std::nullopt;
  exchange->id += s.id_base;
  s.exchanges.insert(exchange->id);
  return exchange;
}

std::optional<std::uint32_t> PortMapper::poll_http_done() {
  State& s = *state_;
  if (s.router) {
    while (const auto id = s.upnp->poll_http_done()) {
      if (s.exchanges.erase(*id + s.id_base) != 0) s.exchanges_done.push_back(*id + s.id_base);
    }
  }
  if (s.exchanges_done.empty()) return std::nullopt;
  const std::uint32_t id = s.exchanges_done.front();
  s.exchanges_done.pop_front();
  return id;
}

std::optional<MappingChanged> PortMapper::poll_event() {
  State& s = *state_;
  if (s.events.empty()) return std::nullopt;
  MappingChanged event = std::move(s.events.front());
  s.events.pop_front();
  return event;
}

std::optional<Time> PortMapper::next_deadline() const {
  const State& s = *state_;
  if (!s.router) return std::nullopt;
  std::optional<Time> next = s.deadlines.earliest();
  next = earlier(next, earlier(s.pcp->next_deadline(), earlier(s.nat_pmp->next_deadline(), s.upnp->next_deadline())));
  for (const auto& [wish, entry] : s.entries) next = earlier(next, entry.renew_at);
  return next;
}

std::vector<MappingReport> PortMapper::reports() const {
  std::vector<MappingReport> out;
  for (const auto& [wish, entry] : state_->entries) out.push_back(entry.report);
  return out;
}

}  // namespace weft::portmap

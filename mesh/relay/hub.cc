// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/hub.h"

#include <algorithm>

#include "mesh/relay/admission.h"

namespace weft::relay {

Hub::Hub(ServerConfig config, Entropy& entropy) : config_(std::move(config)), entropy_(entropy), udp_(entropy) {}

void Hub::revoke(const crypto::PublicKey& node, WallTime until, WallTime wall_now) {
  std::erase_if(config_.revoked, [&](const auto& entry) { return entry.second + kMaxAdmissionLife < wall_now; });
  WallTime& last = config_.revoked[node];
  last = std::max(last, until);
  const auto at = by_key_.find(node);
  if (at == by_key_.end()) return;
  const SessionId id = at->second;
  Entry& entry = sessions_.at(id);
  if (entry.session.admitted_until() > until) return;
  entry.session.refuse(RelayError::admission_expired);
  touch(id, entry);
}

SessionId Hub::open(Time now, const IpAddress& from) {
  const bool full = sessions_.size() >= config_.max_sessions;
  const SessionId id = ++last_id_;
  Entry& entry = sessions_.emplace(id, Entry{ServerSession(now, config_, entropy_), from, std::nullopt}).first->second;
  if (full) entry.session.refuse(RelayError::overloaded);
  touch(id, entry);
  return id;
}

void Hub::remove(SessionId id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  forget_key(id, at->second.session);
  if (at->second.session.closed()) ++counters_.refused;
  if (at->second.scheduled) deadlines_.erase({*at->second.scheduled, id});
  sessions_.erase(at);
}

void Hub::handle_data(Time now, WallTime wall_now, SessionId id, ByteView bytes) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  Entry& entry = at->second;
  entry.session.push(bytes);
  while (const auto output = entry.session.next(now, wall_now)) {
    if (output->kind == SessionOutput::Kind::admitted) admitted(id, entry.session);
    if (output->kind == SessionOutput::Kind::forward) forward(id, entry, output->forward);
    if (output->kind == SessionOutput::Kind::udp_requested && config_.udp) {
      entry.session.offer_udp(udp_.offer(id, entry.session.udp_key()));
    }
    if (output->kind == SessionOutput::Kind::channel_known) {
      auto* const channel = udp_.find(output->channel);
      if (channel != nullptr && channel->owner == id) channel->acknowledged = true;
    }
    if (output->kind == SessionOutput::Kind::dial_back) dial_back(now, id, entry, output->dial);
  }
  touch(id, entry);
}

void Hub::admitted(SessionId id, const ServerSession& session) {
  ++counters_.admitted;
  const auto before = by_key_.find(session.node_key());
  if (before != by_key_.end()) {
    const SessionId old_id = before->second;
    Entry& old = sessions_.at(old_id);
    old.session.refuse(RelayError::replaced);
    touch(old_id, old);
  }
  by_key_[session.node_key()] = id;
}

void Hub::forward(SessionId id, Entry& sender, const Addressed& addressed) {
  const auto at = by_key_.find(addressed.key);
  if (at == by_key_.end()) {
    ++counters_.absent;
    return sender.session.report_absent(addressed.key);
  }
  Entry& receiver = sessions_.at(at->second);
  if (udp_.legs() > 0 && forward_by_udp(id, sender, at->second, receiver, addressed.datagram)) return;
  if (!receiver.session.deliver(sender.session.node_key(), addressed.datagram)) {
    ++counters_.dropped;
    return;
  }
  ++counters_.forwarded;
  counters_.forwarded_bytes += addressed.datagram.size();
  if (!receiver.queued) touch(at->second, receiver);
}

/// To the address from which the client's datagrams come, or else its stream: mappings are of IPv4.
void Hub::dial_back(Time now, SessionId id, Entry& entry, const DialRequest& request) {
  const auto* const leg = udp_.bound(id);
  const IpAddress to =
      leg != nullptr && leg->address->remote.address.is_v4() ? leg->address->remote.address : entry.from;
  Dialled answer{.token = request.token, .outcome = DialOutcome::unavailable, .seen = std::nullopt};
  if (config_.udp && to.is_v4() && !to.is_unspecified()) {
    answer.seen = to;
    answer.outcome = dial_limiter_.allow(now, to) ? DialOutcome::sent : DialOutcome::rate_limited;
  }
  ++(answer.outcome == DialOutcome::sent ? counters_.dialled : counters_.dials_refused);
  if (answer.outcome == DialOutcome::sent) dials_.push_back({{to, request.port}, dial_datagram(request.token)});
  entry.session.report_dialled(answer);
}

std::optional<Dial> Hub::poll_dial() {
  if (dials_.empty()) return std::nullopt;
  const Dial dial = dials_.front();
  dials_.pop_front();
  return dial;
}

void Hub::handle_timeout(Time now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const SessionId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Entry& entry = sessions_.at(id);
    entry.scheduled.reset();
    entry.session.handle_timeout(now);
    touch(id, entry);
  }
}

std::optional<Time> Hub::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

/// Brings the hub's books up to date after something happened to a session.
void Hub::touch(SessionId id, Entry& entry) {
  if (entry.session.closed()) forget_key(id, entry.session);
  if (!entry.queued && (entry.session.has_output() || entry.session.closed())) {
    entry.queued = true;
    work_.push_back(id);
  }
  reschedule(id, entry);
}

/// The session's deadline mostly moves later, with each frame; then the old, earlier one stays in the table and is
/// found to be nothing when it comes. So a frame costs no change of the table.
void Hub::reschedule(SessionId id, Entry& entry) {
  const auto deadline = entry.session.next_deadline();
  if (entry.scheduled && deadline && *entry.scheduled <= *deadline) return;
  if (entry.scheduled) deadlines_.erase({*entry.scheduled, id});
  entry.scheduled = deadline;
  if (deadline) deadlines_.insert({*deadline, id});
}

void Hub::forget_key(SessionId id, const ServerSession& session) {
  const auto at = by_key_.find(session.node_key());
  if (at != by_key_.end() && at->second == id) by_key_.erase(at);
  udp_.forget(id);
}

std::optional<SessionId> Hub::poll_work() {
  while (!work_.empty()) {
    const SessionId id = work_.front();
    work_.pop_front();
    const auto at = sessions_.find(id);
    if (at == sessions_.end()) continue;
    at->second.queued = false;
    return id;
  }
  return std::nullopt;
}

std::optional<Bytes> Hub::poll_write(SessionId id) {
  const auto at = sessions_.find(id);
  return at == sessions_.end() ? std::nullopt : at->second.session.poll_write();
}

bool Hub::closed(SessionId id) const {
  const auto at = sessions_.find(id);
  return at == sessions_.end() || at->second.session.closed();
}

}  // namespace weft::relay

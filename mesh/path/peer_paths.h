// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/deadlines.h"
#include "mesh/base/optional_time.h"
#include "mesh/base/packet.h"
#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/path/candidate.h"
#include "mesh/path/check_list.h"
#include "mesh/path/explanation.h"
#include "mesh/path/mtu_probe.h"
#include "mesh/path/path_status.h"
#include "mesh/path/probe.h"
#include "mesh/path/probe_budget.h"
#include "mesh/path/search.h"
#include "mesh/path/selector.h"
#include "mesh/path/strategy.h"

namespace weft::path {

struct PeerPathsConfig {
  KeyId self{};      // key_id of our node key
  KeyId peer_key{};  // and of the peer's
  /// path::probe_key of the two node keys; called once, when the first probe is sent or opened: most peers of a large
  /// network are never spoken to, and a DH costs more than all else about them.
  std::function<crypto::SymmetricKey()> probe_key;
  std::uint32_t peer = 0;  // copied into OutgoingDatagram::peer
  /// The largest datagram that data will ever need: each path in use is probed up to it. 0: none is.
  std::uint16_t full_room = 0;
  /// No direct path is looked for or taken, whatever the peer offers; the reason is `relay_only`.
  bool relay_only = false;
};

/// The ways to one peer: finds a direct one, judges it, and says which path carries data. Joins a check list and a
/// selector by the messages of probe.h. How a search runs:
///   need        the plan goes through the relay, or by the coordinator if none leads to the peer yet, and our burst
///   begins with it: its packets open our own NAT plan heard  acknowledged; the receiver's burst begins at once, and
///   its own plan goes back ack heard   our burst begins again, since the peer's NAT is open now probe heard answered,
///   and answered with a probe to where it came from (triggered check)
/// Until one of these says that the peer has sent towards us, our packets die behind our own NATs (opener TTL): one
/// that reached a gateway before its host has opened it may be held against us (reference/nat-traversal.md §2,
/// budgets). Where the facts say that no such burst can meet, a search for the unknown port runs beside it (strategy.h,
/// search.h). So an endpoint-independent pair is direct after one way through the relay and three direct ways. Nothing
/// direct within kLadder: settled on the relay (or one way); tried again after 5, 10, 20, 30, 30 … s while in use, and
/// when facts change. Role order (reference/nat-traversal.md §2.5): a side with an address-dependent mapping and
/// endpoint-independent filtering waits up to kWaiterPatience for a peer that filters by address and port: many NATs
/// answer an inbound session from the port it came to, but only if the inside has not opened another mapping to that
/// peer before.
class PeerPaths {
 public:
  static constexpr Duration kLadder = 5s;
  static constexpr Duration kRetryLadder = 2s;
  static constexpr Duration kFirstRetry = 5s;
  static constexpr Duration kMaxRetry = 30s;
  static constexpr Duration kWaiterPatience = 500ms;
  /// The ladder where the facts leave no hope.
  static constexpr Duration kHopelessLadder = 1s;
  static constexpr Duration kOfferTimeout = 250ms;
  /// From the peer's acknowledgement of our plan on, datagrams get this long, which is a burst and a repetition, before
  /// streams are tried beside them.
  static constexpr Duration kDatagramPatience = 1s;
  static constexpr unsigned kMaxOfferSends = 6;

  /// The references outlive the object; `local` may change, see handle_local_change.
  PeerPaths(PeerPathsConfig config, const LocalView& local, ProbeBudget& budget, Random& random);
  ~PeerPaths();
  PeerPaths(const PeerPaths&) = delete;
  PeerPaths& operator=(const PeerPaths&) = delete;

  /// What the network map says about the peer.
  void handle_remote(Time now, const std::vector<Candidate>& candidates, const NatFacts& facts);
  const std::vector<Candidate>& map_candidates() const { return map_candidates_; }
  /// Our candidates, facts or sockets are others than before.
  void handle_local_change(Time now);
  /// These of our sockets lead nowhere now, or by another interface than before. Called before handle_local_change.
  void handle_sockets_moved(Time now, const std::vector<std::uint16_t>& sockets);
  /// A stream that StreamsWanted asked for is open, and is a path now. One that closes is told by handle_sockets_moved.
  void handle_stream(Time now, const PathId& path);
  /// Our endpoints for streams are others than before.
  void handle_stream_candidates(Time now);
  /// The relay through which datagrams reach the peer now; nullopt: none.
  void handle_relay(Time now, std::optional<std::uint16_t> relay);
  /// A peer carries datagrams to this one and back on `path` (is_carried): asks whether it does; CarriedFound follows.
  void handle_carrier(Time now, const PathId& path);
  /// It carries no longer.
  void handle_carrier_gone(Time now, const PathId& path);
  /// To this peer, about what one of us carries for the other; dropped if there is no direct path of datagrams to it.
  void send_carry(Time now, const Carry& carry);
  /// The path that datagrams of others may take by this peer: a direct one, both ways, and no stream.
  std::optional<PathId> carrying_path() const;
  bool knows(const PathId& path) const { return selector_.knows(path); }
  /// Whether the coordinator hands plans on to the peer: the second way for them, while no relay leads there or the
  /// relay's acknowledgement is late.
  void handle_signalling(Time now, bool available);
  /// Traffic wants the peer.
  void handle_need(Time now);
  /// A probe datagram whose sender_of() is the peer. Returns why it was dropped, if it was.
  std::optional<ProbeError> handle_datagram(Time now, const PathId& from, ByteView datagram);
  /// Authenticated data came from the peer on `from`. False: nothing follows from it but perhaps a later deadline.
  bool handle_data_received(Time now, const PathId& from, std::uint32_t datagrams = 1);
  /// Nobody has wanted the peer for a while.
  bool idle() const { return state_ == SearchState::idle; }
  /// Data was sent on the chosen path and on the duplicate one. Cheap; called per batch. False: nothing follows from it
  /// but perhaps another deadline.
  bool handle_data_sent(Time now, std::uint32_t datagrams = 1);
  /// The largest of these datagrams had `size` bytes. False, nearly always: nothing follows from it.
  bool handle_largest_sent(Time now, std::size_t size);
  /// ICMP says that a datagram on `path` was too big for a link of `mtu` bytes.
  void handle_too_big(Time now, const PathId& path, std::uint32_t mtu);

  /// What a search wants opened, asked for after each call; answered by handle_search_sockets, and handle_sample if it
  /// was wanted. The owner sends the sample's request before what poll_transmit gives then, and closes the sockets when
  /// searching() has become false, but for those that carry data.
  std::optional<SearchNeed> poll_search_need();
  void handle_search_sockets(Time now, std::vector<SearchSocket> sockets);
  void handle_sample(Time now, std::uint16_t port);
  bool searching() const { return search_ != nullptr; }

  /// Asks for an answer on the chosen path: PingAnswered follows, unless the question or the answer is lost.
  void handle_ping(Time now);

  void handle_timeout(Time now);
  std::optional<OutgoingDatagram> poll_transmit();
  std::optional<PathEvent> poll_event();
  std::optional<Time> next_deadline() const;

  PathStatus status() const;
  /// What has been tried, and why the pair is as it is.
  Explanation explain(Time now) const;
  const CheckList& check_list() const { return checks_; }
  /// The peer's key id and candidates as this side knows them, for `explain`.
  const std::vector<Candidate>& remote_candidates() const { return remote_; }

 private:
  enum class Timer : std::uint8_t { plan, ladder, retry, search, offer, streams, count_ };
  /// How the last search ended.
  enum class SearchOutcome : std::uint8_t { none, exhausted, no_budget };
  struct Transaction {
    std::uint64_t id = 0;
    PathId path;
    Time sent;
    std::uint32_t count = 0;  // of the datagrams sent by then
    std::uint16_t size = 0;   // of a padded ping
  };

  /// What events tell the changes of.
  struct Published {
    std::optional<PathId> chosen, duplicate;
    SearchState state = SearchState::idle;
    PathClass path_class = PathClass::none;
    std::string_view reason;
    std::uint16_t room = 0;
    MtuProbe::State mtu_state = MtuProbe::State::base;
  };

  void on_ping(Time now, const PathId& from, std::uint64_t id, const Ping& ping);
  void on_pong(Time now, const PathId& from, std::uint64_t id, const Pong& pong);
  void on_plan(Time now, const PathId& from, std::uint64_t id, const Plan& plan);
  void on_plan_ack(Time now, const PathId& from, std::uint64_t id);
  void on_search_offer(Time now, const PathId& from, std::uint64_t id, const SearchOffer& offer);
  void on_carried_ping(Time now, const PathId& from, std::uint64_t id, const Ping& ping);
  void on_carried(Time now, const ProbeAnswer& answer);
  void on_carry(const PathId& from, const Carry& carry);
  void on_direct(Time now, const ProbeAnswer& answer, const std::optional<Endpoint>& seen_at);

  void handle_local_facts(Time now);
  void need(Time now);
  void search(Time now, Duration delay);
  void use_relay(Time now);
  void settle(Time now);
  void arm_search(Time at);
  void begin_search(Time now, const SearchOffer* offer);
  void end_search(SearchOutcome outcome);
  bool attested(const IpAddress& address) const;
  std::optional<SearchSetup> search_setup() const;
  void offer_ports(Time now);
  void run_search(Time now);
  void burst(Time at);
  void open_kept_ports(Time now);
  void refresh_pairs();
  void propose(Time now);
  void propose_news(Time now);
  bool news_untold() const;
  void send_plan(Time now);
  std::uint64_t ping(Time now, const PathId& path, bool suspect, std::uint8_t ttl = 0);
  std::uint64_t ask(Time now, const PathId& path, const Ping& question, std::uint8_t ttl = 0);
  MtuProbe* mtu_probe(const PathId& path);
  const MtuProbe* mtu_probe(const PathId& path) const;
  MtuProbe& begin_mtu_probe(Time now, const PathId& path);
  Duration own_lifetime(const PathId& path) const;
  void keep_alive(Time now);
  void want_lifetime(const PathId& path);
  void run_mtu_probe(Time now);
  std::optional<Time> mtu_deadline() const;
  void padded_ping(Time now, const PathId& path, std::uint16_t size);
  void sized_pong(Time now, const Transaction& asked);
  void send(const PathId& path, const Probe& probe, std::uint8_t ttl = 0);
  std::uint8_t check_ttl() const;
  const crypto::SymmetricKey& key();
  void apply(Time now, Selector::Transition transition);
  void run_checks(Time now);
  void pump(Time now);
  void publish();
  bool hears_better() const;
  bool waits() const;
  bool multihomed() const;
  void compare_anew(Time now);
  bool datagrams_may_do() const;
  bool wants_streams() const;
  void leave_stream(Time now);
  void want_streams();
  void doubt_datagrams();
  void tell_streams(Time now);
  Strategy strategy() const { return choose_strategy(local_.facts, remote_facts_); }
  PathClass path_class() const;
  std::string_view reason() const;
  Published to_publish() const;
  void stop_clock(Time now);
  Rung search_rung() const;
  Rung rung_of_path(const PathId& path, const std::optional<Endpoint>& seen_at) const;
  std::vector<Rung> tried() const;

  PeerPathsConfig config_;
  std::optional<crypto::SymmetricKey> key_;
  const LocalView& local_;
  ProbeBudget& budget_;
  Random& random_;

  std::uint64_t addresses_;  // digest_of_addresses() of the latest local change
  std::vector<Candidate> map_candidates_;
  std::vector<Candidate> remote_;    // those of the peer's last plan, then those of the map beside them
  std::size_t plan_candidates_ = 0;  // how many of these the plan has
  NatFacts remote_facts_;
  std::optional<Endpoint> observed_;  // our own address as the peer sees it, when we had not known it
  CheckList checks_;
  Selector selector_;
  PathCounts counts_;
  bool peer_prefers_relay_ = false;
  Deadlines<Timer> deadlines_;
  Queue<Transaction> transactions_;

  SearchState state_ = SearchState::idle;
  OptionalTime need_at_;
  std::optional<Duration> time_to_direct_;
  std::optional<Duration> relay_rtt_;
  OptionalTime hold_until_;    // role order: no probe before
  Time now_{};                 // of the latest call
  std::uint64_t plan_id_ = 0;  // of our last plan
  OptionalTime plan_first_sent_;
  Duration plan_timeout_{0};
  bool plan_acknowledged_ = false;
  bool plan_is_news_ = false;  // sent while we were direct
  bool signalling_ = false;
  std::uint64_t heard_plan_ = 0;    // id of the peer's last plan
  Time compare_until_{};            // the check list goes on although we are direct
  Time abandoned_until_{};          // our pings say that we have left the path that we had
  OptionalTime limited_until_;      // the peer may not have opened its NAT yet: openers' TTL
  std::unique_ptr<Search> search_;  // null: none; few pairs ever have one
  SearchOutcome search_outcome_ = SearchOutcome::none;
  std::unique_ptr<SearchOffer> offer_;  // ours, until it is acknowledged
  std::uint64_t offer_id_ = 0;
  unsigned offer_sends_ = 0;
  std::uint64_t heard_offer_ = 0;
  Duration next_retry_ = kFirstRetry;
  std::optional<std::uint64_t> asked_;  // id of handle_ping()'s latest

  // For explain().
  Rung rung_ = Rung::none;  // of the direct path
  unsigned attempts_ = 0, plans_sent_ = 0;
  OptionalTime ladder_began_;
  Duration searched_{0};
  Time search_began_{};
  std::unique_ptr<SearchRecord> last_search_;
  std::vector<std::pair<PathId, MtuProbe>> mtu_probes_;  // of paths that were chosen, the latest last
  std::optional<PathId> mtu_path_;                       // whose probe runs
  Duration peer_lifetime_{0};                            // of the peer's idle mappings, as it says
  std::uint64_t probes_sent_ = 0;
  bool streams_tried_ = false;
  bool streams_told_ = false;    // our last plan had our endpoints for them
  bool datagrams_fail_ = false;  // between us and this peer, although neither side is without UDP

  Queue<OutgoingDatagram> outbox_;
  Queue<PathEvent> events_;
  std::uint64_t changes_ = 0;  // of the chosen path
  Published published_;
};

}  // namespace weft::path

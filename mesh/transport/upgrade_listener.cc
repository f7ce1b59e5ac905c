// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/upgrade_listener.h"

#include <utility>
#include <vector>

#include "mesh/http/upgrade.h"
#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/timer.h"
#include "mesh/transport/handover_stream.h"
#include "mesh/transport/tls_stream.h"

namespace weft::transport {

struct UpgradeListener::State : std::enable_shared_from_this<State> {
  /// One accepted stream until its request has been answered. Erases itself from `pending` when it is done.
  class Connection {
   public:
    Connection(State& state, std::uint64_t id, std::unique_ptr<io::Stream> inner)
        : state_(state),
          id_(id),
          upgrade_(state.protocols),
          stream_(std::make_unique<HandoverStream>(state.host, std::move(inner))),
          timer_(state.host.make_timer([this] { handle_timeout(); })) {
      timer_->arm(state.host.clock().now() + kUpgradeLimit);
      stream_->start({.on_connected = {},
                      .on_data = [this](ByteView bytes) { handle_data(bytes); },
                      .on_writable = {},
                      .on_closed = [this](const Error&) { handle_closed(); }});
    }

   private:
    void handle_data(ByteView bytes) {
      if (upgrade_.refused()) return;
      upgrade_.handle_data(bytes);
      while (const auto response = upgrade_.poll_write()) stream_->write(*response);
      if (upgrade_.refused()) {
        ++state_.counters.answered;
        stream_->close();
      } else if (upgrade_.upgraded()) {
        hand_out();
      }
    }

    void hand_out() {
      const auto state = state_.shared_from_this();
      const Handler& handler = state->handlers.at(*upgrade_.upgraded());
      ++state->counters.upgraded;
      stream_->hand_over(upgrade_.take_rest());
      auto stream = std::move(stream_);
      forget();
      handler(std::move(stream));
    }

    void handle_closed() {
      if (!upgrade_.refused()) ++state_.counters.failed;
      forget();
    }
    void handle_timeout() {
      if (!upgrade_.refused()) ++state_.counters.timed_out;
      forget();
    }
    void forget() { state_.pending.erase(std::uint64_t{id_}); }  // ends *this

    State& state_;
    const std::uint64_t id_;
    http::UpgradeServer upgrade_;
    std::unique_ptr<HandoverStream> stream_;
    std::unique_ptr<io::Timer> timer_;
  };

  State(io::Host& its_host, tls::Context* its_context, std::map<std::string, Handler> its_handlers)
      : host(its_host), context(its_context), handlers(std::move(its_handlers)) {
    for (const auto& [protocol, handler] : handlers) protocols.push_back(protocol);
  }

  void accept(std::unique_ptr<io::Stream> stream) {
    ++counters.accepted;
    if (pending.size() >= kMaxPendingUpgrades) {
      ++counters.over_limit;
      return;
    }
    if (context != nullptr) stream = tls_server_stream(std::move(stream), *context);
    const std::uint64_t id = next_id++;
    pending.emplace(id, std::make_unique<Connection>(*this, id, std::move(stream)));
  }

  io::Host& host;
  tls::Context* context;
  const std::map<std::string, Handler> handlers;
  std::vector<std::string> protocols;
  std::uint64_t next_id = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> pending;
  std::unique_ptr<io::StreamListener> listener;
  Counters counters;
};

UpgradeListener::UpgradeListener(std::shared_ptr<State> state) : state_(std::move(state)) {}

UpgradeListener::~UpgradeListener() {
  state_->listener.reset();
  state_->pending.clear();
}

Result<std::unique_ptr<UpgradeListener>> UpgradeListener::listen(io::Host& host, Endpoint local, tls::Context* context,
                                                                 std::map<std::string, Handler> handlers) {
  const auto state = std::make_shared<State>(host, context, std::move(handlers));
  auto listener =
      host.listen(local, [raw = state.get()](std::unique_ptr<io::Stream> stream) { raw->accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  state->listener = std::move(*listener);
  return std::unique_ptr<UpgradeListener>(new UpgradeListener(state));
}

Endpoint UpgradeListener::local_endpoint() const { return state_->listener->local_endpoint(); }
const UpgradeListener::Counters& UpgradeListener::counters() const { return state_->counters; }

}  // namespace weft::transport

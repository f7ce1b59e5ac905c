// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <string>

#include "mesh/base/trace.h"
#include "mesh/io/clock.h"
#include "mesh/io/file.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/resolver.h"
#include "mesh/io/timer.h"
#include "mesh/io/tun_device.h"
#include "mesh/io/udp_socket.h"
#include "tests/support/memory_stream.h"
#include "tests/support/seeded_entropy.h"

namespace weft::test {

/// A Host without a network: virtual time, timers, post, and streams between its own connect() and listen(), for tests
/// of services that live on streams. Every run of a test is the same run. UDP, TUN and names answer with an Error,
/// files until set_files().
class MemoryHost final : public io::Host,
                         private io::Clock,
                         private io::Resolver,
                         private io::NetworkMonitor,
                         private io::FileSystem,
                         private TraceSink {
 public:
  explicit MemoryHost(std::uint64_t seed = 1, LinkOptions link = {}) : seed_(seed), link_(link), entropy_(seed) {}

  /// For connections made from now on.
  void set_link(const LinkOptions& link) { link_ = link; }
  void set_wall(WallTime wall_at_zero) { wall_at_zero_ = wall_at_zero; }
  /// The state directory from now on; it outlives the host.
  void set_files(io::FileSystem& files) { files_ = &files; }

  /// Steps until `done()`; false if it is not within `limit` of virtual time.
  template <typename Predicate>
  bool run_until(Predicate done, Duration limit = 60s) {
    const Time end = events_.now() + limit;
    while (!done()) {
      if (!events_.step(end)) return false;
    }
    return true;
  }
  /// Everything that happens within `span`; the clock then stands at its end.
  void run_for(Duration span) {
    const Time end = events_.now() + span;
    while (events_.step(end)) {
    }
    events_.advance_to(end);
  }
  Time now() const override { return events_.now(); }

  io::Clock& clock() override { return *this; }
  void post(std::function<void()> task) override { events_.after(Duration(0), std::move(task)); }
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler) override {
    return std::make_unique<MemoryTimer>(events_, std::move(handler));
  }

  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override {
    auto link = std::make_shared<MemoryLink>(events_, link_);
    link->end(0).local = link->end(1).remote = {remote.address, next_port_++};
    link->end(0).remote = link->end(1).local = remote;
    auto stream = std::make_unique<MemoryStream>(link, 0);
    events_.after(link_.latency, [this, link] { arrive(link); });
    return stream;
  }
  Result<std::unique_ptr<io::StreamListener>> listen(const Endpoint& local, io::AcceptHandler on_accept) override {
    Endpoint bound = local;
    if (bound.port == 0) bound.port = next_port_++;
    if (listeners_.contains(bound)) return fail(ErrorCode::port_taken, "another listener has " + bound.to_string());
    listeners_[bound] = std::make_shared<io::AcceptHandler>(std::move(on_accept));
    return std::make_unique<Listener>(*this, bound);
  }

  Result<std::unique_ptr<io::StreamPort>> open_stream_port(const Endpoint&, io::AcceptHandler) override {
    return nothing("shared ports");
  }
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions&) override { return nothing("UDP"); }
  Result<std::unique_ptr<io::TunDevice>> open_tun(const io::TunOptions&) override { return nothing("TUN"); }
  io::Resolver& resolver() override { return *this; }
  io::NetworkMonitor& network() override { return *this; }
  io::FileSystem& files() override { return files_ != nullptr ? *files_ : *this; }
  std::unique_ptr<Random> rng(std::string_view purpose) override {
    return std::make_unique<SeededRandom>(seed_, purpose);
  }
  Entropy& entropy() override { return entropy_; }
  TraceSink& trace() override { return *this; }

 private:
  class MemoryTimer final : public io::Timer {
   public:
    MemoryTimer(EventQueue& events, std::function<void()> handler)
        : events_(events), handler_(std::make_shared<std::function<void()>>(std::move(handler))) {}
    void arm(Time deadline) override {
      armed_ = std::make_shared<bool>(true);
      events_.at(deadline, [armed = std::weak_ptr(armed_), handler = std::weak_ptr(handler_)] {
        const auto due = armed.lock();
        const auto call = handler.lock();
        if (due && call && std::exchange(*due, false)) (*call)();
      });
    }
    void cancel() override { armed_.reset(); }

   private:
    EventQueue& events_;
    std::shared_ptr<std::function<void()>> handler_;
    std::shared_ptr<bool> armed_;
  };

  class Listener final : public io::StreamListener {
   public:
    Listener(MemoryHost& host, Endpoint bound) : host_(host), bound_(bound) {}
    ~Listener() override { host_.listeners_.erase(bound_); }
    Endpoint local_endpoint() const override { return bound_; }

   private:
    MemoryHost& host_;
    Endpoint bound_;
  };

  void arrive(const std::shared_ptr<MemoryLink>& link) {
    if (!link->end(0).owned) return;
    const auto found = listeners_.find(link->end(0).remote);
    if (found == listeners_.end()) {
      link->finish(0, {ErrorCode::refused, "nobody listens at " + link->end(0).remote.to_string()});
      return;
    }
    link->end(1).connected = true;
    events_.after(link_.latency, [link] { link->opened(0); });
    const auto on_accept = found->second;
    (*on_accept)(std::make_unique<MemoryStream>(link, 1));
  }

  static std::unexpected<Error> nothing(const std::string& what) {
    return fail(ErrorCode::io, "the memory host has no " + what);
  }

  // io::Clock
  WallTime wall_now() const override { return wall_at_zero_ + events_.now().time_since_epoch(); }
  // io::Resolver
  void resolve(const std::string& name, Handler handler) override {
    const auto address = IpAddress::parse(name);
    post([=] {
      handler(address ? Result<std::vector<IpAddress>>({*address})
                      : fail(ErrorCode::not_found, "the memory host knows no name " + name));
    });
  }
  // io::NetworkMonitor
  std::vector<io::NetworkInterface> interfaces() const override { return {}; }
  void on_change(std::function<void()>) override {}
  // io::FileSystem
  Result<std::unique_ptr<io::File>> open(const std::string& name, io::FileMode) override { return nothing(name); }
  Result<void> rename(const std::string& from, const std::string&) override { return nothing(from); }
  Result<void> remove(const std::string& name) override { return nothing(name); }
  bool exists(const std::string&) override { return false; }
  Result<std::vector<std::string>> list() override { return nothing("files"); }
  Result<void> sync_directory() override { return nothing("files"); }
  // TraceSink
  void record(const TraceEvent&) override {}
  bool wants(TraceLevel) const override { return false; }

  EventQueue events_;
  std::uint64_t seed_;
  LinkOptions link_;
  SeededEntropy entropy_;
  io::FileSystem* files_ = nullptr;
  WallTime wall_at_zero_{std::chrono::hours(24 * 365 * 56)};
  std::uint16_t next_port_ = 40'000;
  std::map<Endpoint, std::shared_ptr<io::AcceptHandler>> listeners_;
};

}  // namespace weft::test

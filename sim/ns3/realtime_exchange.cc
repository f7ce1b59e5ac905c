// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/realtime_exchange.h"

#include <ns3/global-value.h>
#include <ns3/map-scheduler.h>
#include <ns3/object-factory.h>
#include <ns3/realtime-simulator-impl.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include <algorithm>
#include <future>
#include <map>
#include <thread>

#include "sim/fabric/event_loop.h"
#include "sim/ns3/defaults.h"
#include "sim/ns3/exchange.h"
#include "sim/ns3/wire_log.h"
#include "sim/ns3/wire_port.h"

namespace weft::stack {
namespace {

constexpr std::size_t kMostSamples = 4'000'000;
constexpr Time kNever{Duration{std::int64_t{1} << 60}};

/// All members but the thread and the simulator's address are the simulation thread's alone.
class Ns3RealtimeExchange final : public sim::RealtimeExchange {
 public:
  Ns3RealtimeExchange(std::uint64_t seed, const sim::RegionPlan& regions, const sim::Ns3Options& options,
                      sim::RealtimeObserver observer) {
    std::promise<void> running;
    thread_ = std::thread([&] { simulate(seed, regions, options, std::move(observer), running); });
    running.get_future().wait();
  }

  ~Ns3RealtimeExchange() override {
    inspect([this] {
      for (auto& [interface, port] : ports_) port.wire->close();
      loop_->post([] { ns3::Simulator::Stop(); });
    });
    thread_.join();
  }

  Result<void> attach(const sim::RealtimePort& plan) override {
    return call([&]() -> Result<void> {
      if (ports_.contains(plan.interface)) return fail(ErrorCode::usage, plan.interface + " is plugged in already");
      Port port{.wire = std::make_unique<WirePort>(), .number = 0, .addresses = {}};
      if (auto opened = port.wire->open(plan.interface, plan.mac); !opened) return opened;
      const auto attached = exchange_->attach(
          {.node = port.wire->node(), .name = plan.interface, .owner = 0, .region = plan.region, .link = plan.link});
      port.number = attached.port;
      port.wire->connect(attached.device, [this] { note_lateness(); });
      announce(port, plan.addresses);
      ports_.emplace(plan.interface, std::move(port));
      return {};
    });
  }

  Result<void> detach(const std::string& interface) override {
    return with(interface, [&](Port& port) {
      announce(port, {});
      exchange_->detach(port.number);
      port.wire->close();
      gone_.push_back(std::move(port.wire));  // ns-3 cannot take a device from a node
      ports_.erase(interface);
    });
  }

  Result<void> set_link(const std::string& interface, const sim::LinkPlan& link) override {
    return with(interface, [&](Port& port) { exchange_->set_link(port.number, link); });
  }

  Result<void> set_addresses(const std::string& interface, const std::vector<IpAddress>& addresses) override {
    return with(interface, [&](Port& port) { announce(port, addresses); });
  }

  Result<void> set_way(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& way) override {
    return call([&]() -> Result<void> {
      exchange_->set_path(from, to, way);
      return {};
    });
  }

  void inspect(const std::function<void()>& task) override {
    (void)call([&]() -> Result<void> {
      task();
      return {};
    });
  }

  sim::RealtimeLateness lateness() override {
    std::vector<std::int64_t> sorted;
    std::uint64_t packets = 0;
    inspect([&] {
      sorted = late_ns_;
      packets = packets_;
    });
    if (sorted.empty()) return {};
    std::ranges::sort(sorted);
    return {.packets = packets,
            .median = Duration(sorted[sorted.size() / 2]),
            .p99 = Duration(sorted[sorted.size() * 99 / 100]),
            .most = Duration(sorted.back())};
  }

 private:
  struct Port {
    std::unique_ptr<WirePort> wire;
    Exchange::PortNumber number = 0;
    std::vector<IpAddress> addresses;
  };

  void simulate(std::uint64_t seed, const sim::RegionPlan& regions, const sim::Ns3Options& options,
                sim::RealtimeObserver observer, std::promise<void>& running) {
    set_defaults(options);
    ns3::GlobalValue::Bind("SimulatorImplementationType", ns3::StringValue("ns3::RealtimeSimulatorImpl"));
    loop_ = std::make_unique<fabric::EventLoop>();
    // Ours counts on a clock that nobody is ahead of; packets from the wire come between two events.
    ns3::ObjectFactory scheduler;
    scheduler.SetTypeId(ns3::MapScheduler::GetTypeId());
    ns3::Simulator::SetScheduler(scheduler);
    simulator_ = ns3::DynamicCast<ns3::RealtimeSimulatorImpl>(ns3::Simulator::GetImplementation());
    log_.observe([this, observer = std::move(observer)](ByteView packet) { observer(loop_->now(), packet); });
    exchange_ = std::make_unique<Exchange>(*loop_, log_, regions, seed, "internet");
    loop_->post([&running] { running.set_value(); });
    loop_->run(kNever, nullptr);
    ports_.clear();
    gone_.clear();
    simulator_ = nullptr;
    loop_.reset();
    exchange_.reset();
  }

  /// On the simulation's thread, between two events.
  Result<void> call(const std::function<Result<void>()>& task) {
    std::promise<Result<void>> done;
    simulator_->ScheduleRealtimeNowWithContext(0, ns3::MakeEvent([&] { done.set_value(task()); }));
    return done.get_future().get();
  }

  Result<void> with(const std::string& interface, const std::function<void(Port&)>& task) {
    return call([&]() -> Result<void> {
      const auto found = ports_.find(interface);
      if (found == ports_.end()) return fail(ErrorCode::usage, "nothing is plugged in at " + interface);
      task(found->second);
      return {};
    });
  }

  void announce(Port& port, const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : port.addresses) exchange_->withdraw(address);
    for (const IpAddress& address : addresses) exchange_->announce(address, port.number);
    port.addresses = addresses;
  }

  void note_lateness() {
    ++packets_;
    if (late_ns_.size() >= kMostSamples) return;
    late_ns_.push_back((simulator_->RealtimeNow() - ns3::Simulator::Now()).GetNanoSeconds());
  }

  std::thread thread_;
  ns3::Ptr<ns3::RealtimeSimulatorImpl> simulator_;
  std::unique_ptr<fabric::EventLoop> loop_;
  WireLog log_;
  std::unique_ptr<Exchange> exchange_;
  std::map<std::string, Port> ports_;
  std::vector<std::unique_ptr<WirePort>> gone_;
  std::vector<std::int64_t> late_ns_;
  std::uint64_t packets_ = 0;
};

}  // namespace

std::unique_ptr<sim::RealtimeExchange> make_realtime_exchange(std::uint64_t seed, const sim::RegionPlan& regions,
                                                              const sim::Ns3Options& options,
                                                              sim::RealtimeObserver observer) {
  return std::make_unique<Ns3RealtimeExchange>(seed, regions, options, std::move(observer));
}

}  // namespace weft::stack

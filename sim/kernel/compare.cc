// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/compare.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "sim/kernel/clock.h"
#include "sim/kernel/echo.h"
#include "sim/kernel/system.h"
#include "sim/kernel/timeline.h"
#include "sim/scenario/draw.h"
#include "sim/scenario/workers.h"

namespace weft::kernel {
namespace {

using nlohmann::json;
using sim::PathClass;
using sim::SystemCell;

constexpr Duration kReadyLimit = 40s;
constexpr Duration kWarmUp = 4s;  // after addresses are there: registrations, facts about NATs
constexpr Duration kTraffic = 15s;
constexpr Duration kLast = 3s;  // of the traffic, by which the path is judged
constexpr Duration kRest = 5s;  // afterwards, before silence is counted
constexpr Duration kInterval = 100ms;
constexpr std::size_t kPayload = 700;  // told apart from what systems say among themselves by its size
constexpr std::size_t kLarge = 700;

/// Packets of pings from one exchange port to another.
struct Large {
  std::uint64_t count = 0;
  Time first{};
};

/// One system in one laboratory, with pings between two nodes.
class Trial {
 public:
  Trial(const sim::Scenario& scenario, const sim::NatChains& chains, const LabOptions& options, Duration idle,
        SystemCell cell, std::string from, std::string to)
      : scenario_(scenario),
        chains_(chains),
        options_(options),
        idle_(idle),
        cell_(std::move(cell)),
        from_(std::move(from)),
        to_(std::move(to)) {
    loop_.on_signal({SIGINT, SIGTERM, SIGHUP}, [this](int) { problem_ = Error{ErrorCode::internal, "interrupted"}; });
  }

  Result<SystemCell> run() {
    if (auto able = check_expressible(scenario_, chains_, options_.nat); !able) return std::unexpected(able.error());
    auto host = host::AsioHost::create(loop_, {});
    if (!host) return std::unexpected(host.error());
    host_ = std::move(*host);
    auto lab = Lab::build(scenario_, chains_, options_);
    if (!lab) return std::unexpected(lab.error());
    lab_ = std::move(*lab);
    system_ = make_system(cell_.system, *lab_, scenario_);
    const Time start = now();
    if (auto started = system_->start(); !started) return std::unexpected(started.error());
    if (!wait(kReadyLimit, [this] { return system_->ready(); })) {
      cell_.error = problem_ ? problem_->message : "not ready within 40 s";
      return cell_;
    }
    cell_.ready_ms = to_ms(now() - start);
    pass(kWarmUp);
    if (auto done = traffic(); !done) return std::unexpected(done.error());
    pass(kRest);
    const std::uint64_t before = bytes();
    pass(idle_);
    cell_.idle_bytes_per_s = static_cast<double>(bytes() - before) / to_seconds(idle_);
    if (problem_) cell_.error = problem_->message;
    return cell_;
  }

 private:
  bool wait(Duration limit, const std::function<bool()>& done) {
    const Time end = now() + limit;
    while (now() < end && !problem_) {
      if (done()) return true;
      loop_.run_one(20ms);
      problem_ = problem_ ? problem_ : system_->ended();
    }
    return false;
  }

  void pass(Duration time) {
    wait(time, [] { return false; });
  }

  std::uint64_t bytes() const { return lab_->network().bytes_sent(from_) + lab_->network().bytes_sent(to_); }

  /// Large packets from the site of one node to another's.
  Large large(const std::string& from, const std::string& to) const {
    const auto shown = lab_->network().show_exchange();
    if (!shown) return {};
    for (const json& flow : (*shown)["flows"]) {
      if (flow["from"] == lab_->network().exchange_port(from) && flow["to"] == lab_->network().exchange_port(to))
        return {flow["large"], Time(Duration(flow["first_large_ns"].get<std::int64_t>()))};
    }
    return {};
  }

  Result<void> traffic() {
    auto near = EchoSocket::open(loop_, lab_->network().space(from_)),
         far = EchoSocket::open(loop_, lab_->network().space(to_));
    if (!near) return std::unexpected(near.error());
    if (!far) return std::unexpected(far.error());
    const Time start = now() + 50ms;
    EchoRun pings(*host_, **near,
                  {.destination = system_->overlay_address(to_),
                   .start = start,
                   .interval = kInterval,
                   .count = static_cast<std::uint64_t>(kTraffic / kInterval),
                   .payload = kPayload,
                   .alive = [] { return true; }});
    for (EchoSocket* socket : {near->get(), far->get()})
      socket->on_arrival = [&pings](const EchoSocket::Arrival& arrival) { pings.note(arrival); };
    pass(kTraffic - kLast);
    const Large there_before = large(from_, to_), back_before = large(to_, from_);
    pass(kLast + 1s);
    const Large there = large(from_, to_), back = large(to_, from_);
    const bool direct = there.count > there_before.count && back.count > back_before.count;
    judge(pings.samples(), direct);
    if (there.count > 0 && back.count > 0)
      cell_.time_to_direct_ms = to_ms(std::max(there.first, back.first) - pings.samples().front().sent);
    return {};
  }

  void judge(const std::vector<sim::PingSample>& samples, bool direct) {
    std::vector<double> last;
    for (const sim::PingSample& sample : samples) {
      if (sample.arrived && !cell_.first_packet_ms)
        cell_.first_packet_ms = to_ms(*sample.arrived - samples.front().sent);
      if (sample.answered && sample.sent >= samples.back().sent - kLast)
        last.push_back(to_ms(*sample.answered - sample.sent));
    }
    if (last.empty()) return;
    std::ranges::sort(last);
    cell_.rtt_ms = last[last.size() / 2];
    cell_.path = direct ? PathClass::direct : PathClass::relay;
  }

  const sim::Scenario& scenario_;
  const sim::NatChains& chains_;
  LabOptions options_;
  Duration idle_;
  SystemCell cell_;
  std::string from_, to_;
  host::AsioLoop loop_;
  std::unique_ptr<host::AsioHost> host_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<System> system_;
  std::optional<Error> problem_;
};

struct Job {
  sim::Scenario scenario;
  SystemCell cell;
  std::string from, to;
};

std::vector<Job> jobs_of(const sim::Scenario& scenario, const CompareOptions& options) {
  std::vector<Job> jobs;
  for (std::uint64_t seed = 1; seed <= options.runs; ++seed) {
    for (const std::string& system : options.systems) {
      if (scenario.matrix) {
        for (const sim::CellSpec& spec : sim::cells_of(*scenario.matrix, seed, seed))
          jobs.push_back(
              {sim::two_nodes(scenario, spec), {.a = spec.a, .b = spec.b, .system = system, .seed = seed}, "a", "b"});
        continue;
      }
      const sim::Scenario drawn = sim::draw(scenario, seed);
      for (const sim::PingSpec& ping : drawn.pings)
        jobs.push_back({drawn, {.a = ping.from, .b = ping.to, .system = system, .seed = seed}, ping.from, ping.to});
    }
  }
  return jobs;
}

std::string run_job(const Job& job, const sim::NatChains& chains, const CompareOptions& options) {
  LabOptions lab = options.lab;
  lab.seed = job.cell.seed;
  lab.large = kLarge;
  auto cell = Trial(job.scenario, chains, lab, options.idle, job.cell, job.from, job.to).run();
  if (cell) return sim::encode(*cell);
  if (cell.error().code == ErrorCode::usage || cell.error().code == ErrorCode::no_tun_permission)
    return json{{"error", cell.error().message}, {"code", static_cast<int>(cell.error().code)}}.dump();
  SystemCell failed = job.cell;
  failed.error = cell.error().message;
  return sim::encode(failed);
}

}  // namespace

Result<sim::SystemComparison> compare(const sim::Scenario& scenario, const sim::NatChains& chains,
                                      const CompareOptions& options) {
  const std::vector<Job> jobs = jobs_of(scenario, options);
  const auto lines = sim::run_in_workers(
      jobs.size(), options.jobs, [&](std::size_t index) { return run_job(jobs[index], chains, options); },
      [&, done = std::size_t{0}](const std::string&) mutable {
        if (options.on_progress) options.on_progress(++done, jobs.size());
      });
  if (!lines) return std::unexpected(lines.error());
  sim::SystemComparison out{.scenario = scenario.name, .commit = {}, .command = {}, .cells = {}};
  for (const std::string& line : *lines) {
    const json object = json::parse(line);
    if (object.contains("code")) return fail(static_cast<ErrorCode>(object["code"].get<int>()), object["error"]);
    out.cells.push_back(sim::parse_system_cell(line));
  }
  return out;
}

}  // namespace weft::kernel

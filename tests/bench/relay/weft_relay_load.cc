// SPDX-License-Identifier: BSD-3-Clause
// weft-relay-load: traffic through relaying servers, and a relay that believes its coordinator. Prints one JSON object.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "mesh/host/asio_host.h"
#include "mesh/relay_server/relay_server.h"
#include "tests/bench/relay/traffic.h"

namespace weft::load {
namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "weft-relay-load: %s\n", error.message.c_str());
  return 1;
}

/// The service of `weft relay`, without enrolment: clients show admissions of bench_coordinator().
int serve(const Endpoint& listen, const std::string& state) {
  host::AsioLoop loop;
  loop.set_gather(relay_server::kGather);
  auto host = host::AsioHost::create(loop, {.state_directory = state, .log_level = TraceLevel::warning});
  if (!host) return complain(host.error());
  relay_server::RelayServerConfig config;
  config.stream_listen = config.stun_listen = {listen};
  config.tls = false;
  config.coordinator = bench_coordinator().verify_key();
  relay_server::RelayServer server(**host, config);
  if (const auto started = server.start(); !started) return complain(started.error());
  loop.on_signal({SIGTERM, SIGINT}, [&](int) { loop.stop(); });
  loop.run();
  server.stop();
  return 0;
}

int measure(Result<RelayedWay> way, const TrafficOptions& options) {
  if (!way) return complain(way.error());
  std::puts("ready");  // set up: the caller may begin to count
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  const auto counts = run_traffic(*way, options);
  if (!counts) return complain(counts.error());
  const nlohmann::ordered_json json{
      {"sent", counts->sent}, {"received", counts->received}, {"seconds", counts->seconds}};
  std::puts(json.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace weft::load

int main(int count, char** arguments) {
  using namespace weft;
  using namespace weft::load;
  CLI::App app("traffic through relaying servers");
  app.require_subcommand(1);
  std::string server, local, state;
  TrafficOptions options;
  double seconds = 4;
  auto* const serving = app.add_subcommand("serve", "a Weft relay");
  serving->add_option("--state", state, "its state directory")->required();
  auto* const weft_load = app.add_subcommand("weft", "between two clients of a Weft relay");
  auto* const turn_load = app.add_subcommand("turn", "from a TURN client to a plain peer");
  turn_load->add_option("--local", local, "our address")->required();
  const std::map<std::string, Pattern> patterns{
      {"single", Pattern::single}, {"burst", Pattern::burst}, {"gso", Pattern::gso}};
  for (auto* const one : {serving, weft_load, turn_load}) {
    one->add_option("server", server, "ADDRESS:PORT")->required();
    if (one == serving) continue;
    one->add_option("--pattern", options.pattern)->transform(CLI::CheckedTransformer(patterns));
    one->add_option("--length", options.length);
    one->add_option("--rate", options.rate)->check(CLI::Range(0, 10'000'000));
    one->add_option("--seconds", seconds);
  }
  CLI11_PARSE(app, count, arguments);
  const auto endpoint = Endpoint::parse(server);
  if (!endpoint) return complain({ErrorCode::usage, server + " is not ADDRESS:PORT"});
  options.span = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  if (serving->parsed()) return serve(*endpoint, state);
  if (weft_load->parsed()) return measure(through_weft(*endpoint), options);
  const auto address = IpAddress::parse(local);
  if (!address) return complain({ErrorCode::usage, local + " is not an address"});
  return measure(through_turn(*endpoint, *address), options);
}

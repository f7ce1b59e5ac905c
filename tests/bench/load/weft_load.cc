// SPDX-License-Identifier: BSD-3-Clause
// weft-load: makes and counts traffic for the scripts that measure tunnels. Prints one JSON object.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/load/flood.h"
#include "tests/bench/load/udp_load.h"

namespace weft::load {
namespace {

using Json = nlohmann::ordered_json;

int report(const Result<Json>& result) {
  if (!result) {
    std::fprintf(stderr, "weft-load: %s\n", result.error().message.c_str());
    return 1;
  }
  std::puts(result->dump().c_str());
  return 0;
}

Result<Endpoint> endpoint(const std::string& text) {
  const auto parsed = Endpoint::parse(text);
  if (!parsed) return fail(ErrorCode::usage, text + " is not an address and port, as in 192.0.2.1:5000");
  return *parsed;
}

struct Flags {
  std::string endpoint;
  std::size_t length = 1372;
  double seconds = 5;
  double silence = 1;
  std::string kind;
  std::string key;
  std::string initiation;
  std::vector<std::string> sources;
  unsigned rate = 200'000;
  bool gso = false;
};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

Result<Json> udp_send(const Flags& flags) {
  const auto target = endpoint(flags.endpoint);
  if (!target) return std::unexpected(target.error());
  const auto sent =
      send_udp({.target = *target, .length = flags.length, .span = milliseconds(flags.seconds), .gso = flags.gso});
  if (!sent) return std::unexpected(sent.error());
  return Json{{"datagrams", sent->datagrams}, {"refused", sent->refused}, {"seconds", sent->seconds}};
}

Result<Json> udp_receive(const Flags& flags) {
  const auto local = endpoint(flags.endpoint);
  if (!local) return std::unexpected(local.error());
  const auto received = receive_udp({.local = *local, .silence = milliseconds(flags.silence)});
  if (!received) return std::unexpected(received.error());
  return Json{{"datagrams", received->datagrams},
              {"bytes", received->bytes},
              {"out_of_order", received->out_of_order},
              {"seconds", received->seconds}};
}

Result<Bytes> initiations(const Flags& flags) {
  if (flags.kind == "bad-mac1") return initiations_with_bad_mac1();
  if (flags.kind == "replay") return replayed_initiations(flags.initiation);
  const auto key = crypto::PublicKey::from_base64(flags.key);
  if (!key) return fail(ErrorCode::usage, "--key must be the responder's public key");
  return initiations_with_random_ephemeral(*key);
}

Result<Json> flood_target(const Flags& flags) {
  const auto target = endpoint(flags.endpoint);
  if (!target) return std::unexpected(target.error());
  auto content = initiations(flags);
  if (!content) return std::unexpected(content.error());
  FloodOptions options{.target = *target, .initiations = std::move(*content), .rate = flags.rate};
  options.span = milliseconds(flags.seconds);
  for (const std::string& source : flags.sources) {
    const auto address = IpAddress::parse(source);
    if (!address) return fail(ErrorCode::usage, source + " is not an address");
    options.sources.push_back(*address);
  }
  const auto flooded = flood(options);
  if (!flooded) return std::unexpected(flooded.error());
  return Json{{"initiations", flooded->initiations},
              {"refused", flooded->refused},
              {"seconds", flooded->seconds},
              {"cpu_seconds", flooded->cpu_seconds}};
}

int run(int argc, char** argv) {
  CLI::App app{"Traffic for the scripts that measure tunnels (docs/benchmarks.md). Prints one JSON object."};
  app.require_subcommand(1);
  Flags flags;
  Result<Json> (*chosen)(const Flags&) = nullptr;
  CLI::App* const send = app.add_subcommand("udp-send", "Send numbered datagrams as fast as the kernel takes them");
  send->add_option("target", flags.endpoint, "Address and port")->required();
  send->add_option("--length", flags.length, "Bytes of payload (1372)")->check(CLI::Range(kSequenceSize, 65507ul));
  send->add_option("--seconds", flags.seconds, "How long (5)")->check(CLI::Range(0.001, 3600.0));
  send->add_flag("--gso", flags.gso, "Many datagrams a call (UDP_SEGMENT), not one");
  send->callback([&] { chosen = udp_send; });
  CLI::App* const receive = app.add_subcommand("udp-receive", "Count datagrams (UDP_GRO) until they cease");
  receive->add_option("local", flags.endpoint, "Address and port")->required();
  receive->add_option("--silence", flags.silence, "Seconds without one that are the end (1)")
      ->check(CLI::Range(0.001, 60.0));
  receive->callback([&] { chosen = udp_receive; });
  CLI::App* const flooding = app.add_subcommand("flood", "Send handshake initiations that lead to nothing");
  flooding->add_option("target", flags.endpoint, "Address and port of a WireGuard responder")->required();
  flooding->add_option("--kind", flags.kind, "What is wrong with them")
      ->required()
      ->check(CLI::IsMember({"bad-mac1", "random-ephemeral", "replay"}));
  flooding->add_option("--key", flags.key, "Public key of the responder, for random-ephemeral");
  flooding->add_option("--initiation", flags.initiation, "Captured initiation in hexadecimal, for replay");
  flooding->add_option("--rate", flags.rate, "Initiations a second (200000)")->check(CLI::Range(1, 10'000'000));
  flooding->add_option("--seconds", flags.seconds, "How long (5)")->check(CLI::Range(0.001, 3600.0));
  flooding->add_option("--source", flags.sources, "Own address to send from; several take turns");
  flooding->callback([&] { chosen = flood_target; });
  CLI11_PARSE(app, argc, argv);
  return report(chosen(flags));
}

}  // namespace
}  // namespace weft::load

int main(int argc, char** argv) { return weft::load::run(argc, argv); }

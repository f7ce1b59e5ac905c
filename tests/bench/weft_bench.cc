// SPDX-License-Identifier: BSD-3-Clause
// weft-bench: how fast the parts are. It reports and never fails by a time.
#include <fmt/core.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: weft-bench [--json] [--list] [--quick] [--runs N] [NAME...]\n"
    "Measures the parts of Weft in memory and prints the median of N runs (5) of each, with the least and the most.\n"
    "  NAME     a figure, or the beginning of several up to a slash (aead, aead/seal)\n"
    "  --json   an array of objects: name, value, unit, runs, least, most\n"
    "  --list   print the names and measure nothing\n"
    "  --quick  one very short run of each, without the sizes that take long\n"
    "areas: aead        ChaCha20-Poly1305 over batches     device     WireGuard without input and output\n"
    "       handshakes  of a responder                     peers      idle ones of a configuration\n"
    "       relay       frames by public key               io         mesh/io against direct system calls\n"
    "and of the laboratory: nat, scheduler, fabric, agents. docs/benchmarks.md says what they mean.\n";

struct Request {
  Options options;
  bool help = false;
  bool json = false;
};

std::optional<unsigned> positive(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

std::optional<Request> parse(int count, char** arguments) {
  Request request;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      request.help = true;
    } else if (argument == "--json") {
      request.json = true;
    } else if (argument == "--list") {
      request.options.list = true;
    } else if (argument == "--quick") {
      request.options.quick = true;
      request.options.runs = 1;
      request.options.span = std::chrono::milliseconds(1);
    } else if (argument == "--runs" && i + 1 < count) {
      const auto runs = positive(arguments[++i]);
      if (!runs) return std::nullopt;
      request.options.runs = *runs;
    } else if (argument.starts_with("-")) {
      return std::nullopt;
    } else {
      request.options.names.emplace_back(argument);
    }
  }
  return request;
}

void print_json(const std::vector<Figure>& figures) {
  auto array = nlohmann::json::array();
  for (const auto& [name, value, unit, runs, least, most] : figures) {
    array.push_back(
        {{"name", name}, {"value", value}, {"unit", unit}, {"runs", runs}, {"least", least}, {"most", most}});
  }
  fmt::print("{}\n", array.dump(2));
}

void print_table(const std::vector<Figure>& figures, bool names_only) {
  for (const auto& [name, value, unit, runs, least, most] : figures) {
    if (names_only) {
      fmt::print("{}\n", name);
    } else {
      const int digits = value < 100 ? 2 : 0;
      fmt::print("{:<36} {:>16.{}f} {} ({:.{}f} to {:.{}f})\n", name, value, digits, unit, least, digits, most, digits);
    }
  }
}

int run(const Request& request) {
  if (request.help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  Bench bench(request.options);
  bench_aead(bench);
  bench_device(bench);
  bench_handshakes(bench);
  bench_peers(bench);
  bench_relay(bench);
  bench_io(bench);
#ifdef WEFT_BENCH_SIM
  bench_nat(bench);
  bench_scheduler(bench);
  bench_fabric(bench);
  bench_agents(bench);
#endif
  if (const auto unknown = bench.unknown_names(); !unknown.empty()) {
    fmt::print(stderr, "weft-bench: no figure is called {}: see weft-bench --list\n", unknown.front());
    return 2;
  }
  request.json ? print_json(bench.figures()) : print_table(bench.figures(), request.options.list);
  return 0;
}

}  // namespace
}  // namespace weft::bench

int main(int count, char** arguments) {
  const auto request = weft::bench::parse(count, arguments);
  if (request) return weft::bench::run(*request);
  fmt::print(stderr, "{}", weft::bench::kUsage);
  return 2;
}

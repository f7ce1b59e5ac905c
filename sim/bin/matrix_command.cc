// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "sim/bin/commands.h"
#include "sim/bin/matrix_flags.h"

namespace weft::lab {
namespace {

int run(const MatrixFlags& flags) {
  const auto outcome = flags.run();
  if (!outcome) return report(outcome.error());
  const sim::MatrixReport& matrix = outcome->report;
  std::fputs(flags.common.json ? sim::to_json(matrix).c_str() : sim::to_table(matrix).c_str(), stdout);
  if (!flags.common.out.empty()) {
    if (auto done = write_matrix(flags.common.out, matrix); !done) return report(done.error());
  }
  return tell_failures(*outcome);
}

}  // namespace

void add_matrix(CLI::App& app, int& status) {
  const auto flags = std::make_shared<MatrixFlags>();
  CLI::App* command =
      app.add_subcommand("matrix", "Run all pairs of a scenario's NAT classes and print which are direct");
  flags->add_to(*command, "matrix.json and matrix.csv");
  command->callback([flags, &status] { status = run(*flags); });
}

}  // namespace weft::lab

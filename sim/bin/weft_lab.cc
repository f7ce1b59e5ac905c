// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "commit.h"
#include "mesh/bin/reference.h"
#include "sim/bin/commands.h"

/// weft-lab: parses the command line and hands over; each sub-command is a file of its own.
int main(int argc, char** argv) {
  CLI::App app("weft-lab: runs the Weft stack in simulated networks and in network namespaces", "weft-lab");
  std::function<int()> reference;
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("weft-lab ") + WEFT_VERSION + " (" + WEFT_COMMIT + ")");
  app.footer(
      "Exit codes: 0 ok, 1 internal, 2 usage, 11 no permission for the kernel world, 20 expectation failed, 21 worse "
      "than "
      "the baseline, 22 worlds disagree. Scenario files: docs/scenario.md");
  int status = 0;
  weft::lab::add_run(app, status);
  weft::lab::add_matrix(app, status);
  weft::lab::add_check(app, status);
  weft::lab::add_probe_nat(app, status);
  weft::lab::add_describe(app, status);
  weft::lab::add_sweep(app, status);
  weft::lab::add_replay(app, status);
  weft::lab::add_swarm(app, status);
  weft::lab::add_view(app, status);
  weft::lab::add_why(app, status);
  weft::lab::add_compare(app, status);
  weft::lab::add_study(app, status);
  weft::lab::add_agree(app, status);
  weft::lab::add_shell(app, status);
  weft::lab::add_exchange(app, status);
  weft::lab::add_connect_proxy(app, status);
  weft::lab::add_gateway(app, status);
  weft::lab::add_gateway_control(app, status);
  weft::bin::add_reference_commands(app, reference);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "weft-lab: %s; see weft-lab --help\n", error.what());
    return 2;
  }
  return reference ? reference() : status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/arguments.h"

#include <cstdio>
#include <string>

#include "mesh/bin/command_tree.h"

namespace weft::bin {
namespace {

bool has_command(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  return !commands.empty();
}

}  // namespace

std::expected<std::function<int()>, int> parse_arguments(int argc, char** argv) {
  const auto tree = make_command_tree();
  if (argc > 1 && argv[1][0] != '-' && !has_command(tree->app, argv[1])) {
    std::fprintf(stderr, "weft: there is no command %s; `weft --help` lists what there is\n", argv[1]);
    return std::unexpected(2);
  }
  try {
    tree->app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return std::unexpected(tree->app.exit(help));  // prints to standard output
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "weft: %s; `weft --help` lists what there is\n", error.what());
    return std::unexpected(2);
  }
  return [tree] { return tree->chosen(); };
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/reference.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

namespace weft::bin {

void add_reference_commands(CLI::App& app, std::function<int()>& chosen, const std::string& manual_sections) {
  const auto print = [&app, &chosen](auto write) {
    chosen = [&app, write] {
      const std::string text = write(app);
      std::fwrite(text.data(), 1, text.size(), stdout);
      return 0;
    };
  };
  CLI::App& completion = *app.add_subcommand("completion", "Print a script that completes commands in a shell");
  completion.require_subcommand(1);
  completion.add_subcommand("bash", "For bash: source it, or put it in /usr/share/bash-completion/completions")
      ->callback([print] { print(bash_completion); });
  completion.add_subcommand("zsh", "For zsh: put it as a file with a leading _ in a directory of $fpath")
      ->callback([print] { print(zsh_completion); });
  app.add_subcommand("manual", "Print the manual page in mdoc(7)")->group("")->callback([print, manual_sections] {
    print([manual_sections](const CLI::App& whole) { return manual_page(whole, manual_sections); });
  });
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace weft::bin {

/// What is written about a program from the tree of its commands, so that it says what the parser takes: shell
/// completion and the manual page.

/// A script for bash that completes commands, sub-commands and long flags.
std::string bash_completion(const CLI::App& app);
/// The same for zsh, with the description of each.
std::string zsh_completion(const CLI::App& app);
/// A page of section 1 in mdoc(7): every command with its flags, then `sections`, which are mdoc(7) too.
std::string manual_page(const CLI::App& app, const std::string& sections);

/// Adds `completion bash|zsh` and the hidden `manual`, which print those to standard output; `chosen` gets what to run.
void add_reference_commands(CLI::App& app, std::function<int()>& chosen, const std::string& manual_sections = "");

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

namespace weft::bin {

/// All commands of `weft` with their flags: what is parsed, completed and described by the manual page. Parsing fills
/// `chosen` with what to run; the flags live as long as the tree or `chosen`.
struct CommandTree {
  CLI::App app{"Weft: a mesh VPN. Settings: flag, then environment, then /etc/weft/weft.json (docs/cli.md).", "weft"};
  std::function<int()> chosen;
};

std::shared_ptr<CommandTree> make_command_tree();

}  // namespace weft::bin

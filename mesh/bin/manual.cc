// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "mesh/bin/reference.h"

namespace weft::bin {
namespace {

/// Text in mdoc(7): a line may not begin with a control character, and a backslash begins an escape.
std::string text(const std::string& plain) {
  std::string out;
  for (const char c : plain) {
    if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`') {
      out += '"';
    } else {
      out += c;
    }
  }
  std::ranges::replace(out, '\n', ' ');
  return out;
}

/// "--key KEY" or "-c, --count N", as the first line of an entry.
std::string flag_line(const CLI::Option& option) {
  std::string out = ".It";
  bool first = true;
  for (const auto& name : option.get_snames()) out += (std::exchange(first, false) ? " Fl " : " , Fl ") + name;
  for (const auto& name : option.get_lnames())
    out += (std::exchange(first, false) ? " Fl \\-" : " , Fl \\-") + text(name);
  if (option.get_expected_max() != 0) out += " Ar value";
  return out + "\n";
}

bool is_positional(const CLI::Option& option) { return option.get_snames().empty() && option.get_lnames().empty(); }

bool is_help(const CLI::Option& option) { return option.check_lname("help"); }

std::string synopsis(const CLI::App& command, const std::string& path) {
  std::string out = ".It Nm " + path;
  for (const auto* option : command.get_options()) {
    if (is_positional(*option)) out += " Ar " + text(option->get_name(true));
  }
  const bool has_flags = std::ranges::any_of(
      command.get_options(), [](const auto* option) { return !is_positional(*option) && !is_help(*option); });
  return out + (has_flags ? " Op Ar flags\n" : "\n");
}

/// The flags and arguments of a command as a list, if it has any.
std::string flag_list(const CLI::App& command) {
  std::string out;
  for (const auto* option : command.get_options()) {
    if (is_help(*option)) continue;
    const std::string variable = option->get_envname().empty() ? "" : " (" + option->get_envname() + ")";
    out += is_positional(*option) ? ".It Ar " + text(option->get_name(true)) + "\n" : flag_line(*option);
    out += text(option->get_description() + variable) + ".\n";
  }
  return out.empty() ? "" : ".Bl -tag -width indent -compact\n" + out + ".El\n";
}

void describe(const CLI::App& app, const std::string& path, std::string& out) {
  for (const auto* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    const std::string name = path + " " + command->get_name();
    if (!command->get_subcommands([](const CLI::App*) { return true; }).empty()) {
      describe(*command, name, out);
      continue;
    }
    out += synopsis(*command, name) + text(command->get_description()) + ".\n" + flag_list(*command);
  }
}

}  // namespace

std::string manual_page(const CLI::App& app, const std::string& sections) {
  const std::string name = app.get_name();
  std::string title = name;
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string about = app.get_description();
  if (const auto colon = about.find(": "); colon != std::string::npos && colon <= name.size())
    about.erase(0, colon + 2);  // "Weft: a mesh VPN"
  std::string out = fmt::format(".Dd $Mdocdate$\n.Dt {} 1\n.Os Weft\n.Sh NAME\n.Nm {}\n.Nd {}\n", text(title),
                                text(name), text(about.substr(0, about.find(". "))));
  out += fmt::format(".Sh SYNOPSIS\n.Nm {}\n.Ar command\n.Op Ar arguments\n.Sh DESCRIPTION\n{}\n", text(name),
                     text(app.get_description()));
  out += "Every command has the flag\n.Fl \\-help .\n.Sh COMMANDS\n.Bl -tag -width indent\n";
  describe(app, text(name), out);
  out += ".El\n";
  if (!app.get_footer().empty()) out += ".Sh NOTES\n" + app.get_footer() + "\n";
  return out + sections;
}

}  // namespace weft::bin

// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "mesh/bin/reference.h"

namespace weft::bin {
namespace {

struct Word {
  std::string text;
  std::string help;
};

/// What may follow the commands of `path` ("key create"; empty for the program itself).
struct Place {
  std::string path;
  std::vector<Word> words;
};

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

void collect(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  Place place{path, {}};
  const auto commands = commands_of(app);
  for (const auto* command : commands) place.words.push_back({command->get_name(), command->get_description()});
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) place.words.push_back({"--" + name, option->get_description()});
  }
  places.push_back(std::move(place));
  for (const auto* command : commands)
    collect(*command, path.empty() ? command->get_name() : path + " " + command->get_name(), places);
}

std::vector<Place> places_of(const CLI::App& app) {
  std::vector<Place> places;
  collect(app, "", places);
  return places;
}

/// A name that a shell takes for a function.
std::string identifier(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

/// Inside single quotes of a shell; a colon would end the word in _describe of zsh.
std::string quoted(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

std::string colons_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ':') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const std::string name = app.get_name();
  std::string out = fmt::format("# bash completion of {0}, written by `{0} completion bash`\n", name);
  out += fmt::format("_{}() {{\n", identifier(name));
  out +=
      "  local path= word known= i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    [[ $word == -* ]] && break\n"
      "    path+=${path:+ }$word\n"
      "  done\n"
      "  case $path in\n";
  for (const auto& place : places_of(app)) {
    out += fmt::format("    '{}') known='", quoted(place.path));
    for (std::size_t i = 0; i < place.words.size(); ++i) out += (i ? " " : "") + quoted(place.words[i].text);
    out += "' ;;\n";
  }
  out +=
      "  esac\n"
      "  # The value of a flag, or an argument, may be a file.\n"
      "  COMPREPLY=($(compgen -W \"$known\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\n";
  out += fmt::format("complete -o default -F _{} {}\n", identifier(name), name);
  return out;
}

std::string zsh_completion(const CLI::App& app) {
  const std::string name = app.get_name();
  std::string out = fmt::format("#compdef {0}\n# zsh completion of {0}, written by `{0} completion zsh`\n", name);
  out += fmt::format("_{}() {{\n", identifier(name));
  out +=
      "  local -a known\n"
      "  local chain= i\n"
      "  for ((i = 2; i < CURRENT; ++i)); do\n"
      "    [[ $words[i] == -* ]] && break\n"
      "    chain+=${chain:+ }$words[i]\n"
      "  done\n"
      "  case $chain in\n";
  for (const auto& place : places_of(app)) {
    out += fmt::format("    '{}') known=(", quoted(place.path));
    for (const auto& word : place.words)
      out += fmt::format("\n      '{}:{}'", quoted(colons_escaped(word.text)), quoted(word.help));
    out += ") ;;\n";
  }
  out += fmt::format(
      "  esac\n"
      "  _describe '{0}' known || _files\n"
      "}}\n"
      "if [[ $funcstack[1] == _{1} ]]; then\n"
      "  _{1} \"$@\"\n"
      "else\n"
      "  compdef _{1} {0}\n"
      "fi\n",
      name, identifier(name));
  return out;
}

}  // namespace weft::bin

// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "mesh/host/file_descriptor.h"
#include "sim/bin/commands.h"
#include "sim/kernel/lab_folder.h"

namespace weft::lab {
namespace {

struct Options {
  std::string node, lab;
  std::vector<std::string> command;
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// The one running laboratory that is meant. Error: usage, with what there is.
Result<kernel::RunningLab> find(const Options& options) {
  std::vector<kernel::RunningLab> labs = kernel::running_labs();
  std::vector<std::string> names;
  for (const auto& lab : labs) names.push_back(lab.name + " (" + lab.scenario + ")");
  if (labs.empty()) {
    return fail(ErrorCode::not_running,
                "no laboratory runs here: start one with weft-lab run FILE --world kernel --keep");
  }
  if (!options.lab.empty()) std::erase_if(labs, [&](const auto& lab) { return lab.name != options.lab; });
  if (labs.size() == 1) return labs.front();
  return fail(ErrorCode::usage, (labs.empty() ? "there is no laboratory " + options.lab + ", but "
                                              : "several laboratories run, choose with --lab: ") +
                                    joined(names));
}

/// Into the user namespace of a laboratory that an ordinary user started; root is in it already.
void enter_users_of(const std::string& network) {
  const std::string process = network.substr(0, network.find("/fd/"));  // /proc/PID
  const host::FileDescriptor users(::open((process + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (users.valid() && ::geteuid() != 0) ::setns(users.get(), CLONE_NEWUSER);
}

int run(const Options& options) {
  const auto lab = find(options);
  if (!lab) return report(lab.error());
  const auto found = lab->namespaces.find(options.node);
  if (found == lab->namespaces.end()) {
    std::vector<std::string> names;
    for (const auto& [name, path] : lab->namespaces) names.push_back(name);
    return report(
        {ErrorCode::usage, "laboratory " + lab->name + " has no " + options.node + "; it has " + joined(names)});
  }
  enter_users_of(found->second);
  const host::FileDescriptor space(::open(found->second.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.valid() || ::setns(space.get(), CLONE_NEWNET) != 0) {
    return report(host::fail_errno(ErrorCode::no_tun_permission,
                                   "cannot enter " + options.node + ", run weft-lab with sudo", errno)
                      .error());
  }
  ::setenv("WEFT_SOCKET", (lab->path + "/" + options.node + ".sock").c_str(), 1);
  std::vector<std::string> command = options.command;
  const char* shell = std::getenv("SHELL");
  if (command.empty()) command.emplace_back(shell != nullptr ? shell : "/bin/sh");
  std::vector<char*> arguments;
  for (std::string& each : command) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  return report(host::fail_errno(ErrorCode::usage, "cannot run " + command.front(), errno).error());
}

}  // namespace

void add_shell(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("shell", "Run a shell or command in a node of a running kernel laboratory");
  command->add_option("node", options->node, "Node, relay, coordinator or gateway")->required();
  command->add_option("command", options->command, "Instead of a shell; put -- before it");
  command->add_option("--lab", options->lab, "Which laboratory, if several run");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab

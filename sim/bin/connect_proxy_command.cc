// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "sim/bin/commands.h"
#include "sim/proxy/connect_proxy.h"

namespace weft::lab {
namespace {

struct Flags {
  std::string listen;
  proxy::ConnectProxyOptions options;
  http::Credentials credentials;
};

int run(const Flags& flags) {
  const auto listen = Endpoint::parse(flags.listen);
  if (!listen) return report({ErrorCode::usage, "--listen " + flags.listen + ": is no ADDRESS:PORT"});
  proxy::ConnectProxyOptions options = flags.options;
  options.listen = *listen;
  if (!flags.credentials.user.empty()) options.credentials = flags.credentials;
  ::signal(SIGPIPE, SIG_IGN);
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {});
  if (!host) return report(host.error());
  proxy::ConnectProxy proxy(**host, std::move(options));
  if (auto started = proxy.start(); !started) return report(started.error());
  loop.on_signal({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  loop.run();
  return 0;
}

}  // namespace

void add_connect_proxy(CLI::App& app, int& status) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "connect-proxy", "Be the HTTP proxy of a gateway of a kernel-world laboratory (started by run)");
  command->group("");  // nobody types it
  command->add_option("--listen", flags->listen, "ADDRESS:PORT")->required();
  command->add_option("--connect-port", flags->options.connect_ports, "A port it connects to; may be repeated");
  command->add_option("--user", flags->credentials.user, "Who may use it; without it, anybody");
  command->add_option("--password", flags->credentials.password, "Of that user");
  command->callback([flags, &status] { status = run(*flags); });
}

}  // namespace weft::lab

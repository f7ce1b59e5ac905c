// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/ns3_flags.h"

#include <CLI/CLI.hpp>

#include "sim/scenario/scenario.h"

namespace weft::lab {

void Ns3Flags::add_to(CLI::App& command) {
  command.add_option("--ns3-set", set, "NAME=VALUE: default of an attribute of ns-3; may be repeated")->take_all();
  command.add_option("--flow-monitor", files.flow_monitor, "File for FlowMonitor's XML (stack)");
  command.add_option("--netanim", files.netanim, "File for NetAnim's XML (stack)");
  command.add_option("--ns3-pcap", files.pcap, "Prefix of ns-3's pcap files (stack)");
  command.add_option("--ns3-ascii", files.ascii, "File for ns-3's ascii trace (stack)");
}

Result<sim::Ns3Options> Ns3Flags::options(const sim::Scenario& scenario) const {
  sim::Ns3Options all = files;
  all.attributes = scenario.ns3_attributes;
  for (const std::string& text : set) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::usage,
                  "--ns3-set '" + text + "' is not NAME=VALUE; write ns3::TcpL4Protocol::SocketType=ns3::TcpCubic");
    }
    all.attributes.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

}  // namespace weft::lab

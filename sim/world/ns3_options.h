// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace weft::sim {

/// What users of ns-3 may ask of a world with full ns-3 nodes. Empty paths: not written.
struct Ns3Options {
  /// Defaults of attributes, in order: {"ns3::TcpL4Protocol::SocketType", "ns3::TcpCubic"}.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string flow_monitor;  // file: FlowMonitor's XML
  std::string netanim;       // file: NetAnim's XML
  std::string pcap;          // prefix of ns-3's pcap files, one for each IP interface of a host
  std::string ascii;         // file: ns-3's ascii trace

  bool writes_files() const { return !flow_monitor.empty() || !netanim.empty() || !pcap.empty() || !ascii.empty(); }
};

}  // namespace weft::sim

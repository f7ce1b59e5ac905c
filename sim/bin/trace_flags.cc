// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/trace_flags.h"

#include <CLI/CLI.hpp>

#include "sim/trace/ndjson_writer.h"
#include "sim/trace/pcapng_writer.h"
#include "sim/trace/recorder.h"

namespace weft::lab {
namespace {

constexpr WallTime kEpoch{std::chrono::seconds{1'767'225'600}};  // 2026-01-01 00:00 UTC, where every world begins

}  // namespace

void TraceFlags::add_to(CLI::App& command) {
  command.add_option("--trace", file, "File for every event with its cause, as NDJSON (docs/trace.md)");
  command.add_option("--pcap", pcap, "Folder for a pcapng file of each interface, TUN devices decrypted");
}

Result<std::unique_ptr<tracing::Recorder>> TraceFlags::make_recorder() const {
  if (!wanted()) return nullptr;
  auto recorder = std::make_unique<tracing::Recorder>();
  if (!file.empty()) {
    auto writer = tracing::NdjsonWriter::open(file);
    if (!writer) return std::unexpected(writer.error());
    recorder->add(std::move(*writer));
  }
  if (!pcap.empty()) {
    auto writer = tracing::PcapngWriter::open(pcap, kEpoch);
    if (!writer) return std::unexpected(writer.error());
    recorder->add(std::move(*writer));
  }
  return recorder;
}

}  // namespace weft::lab

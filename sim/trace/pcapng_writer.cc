// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace/pcapng_writer.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace weft::tracing {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A, kInterface = 1, kEnhancedPacket = 6;  // block types
constexpr std::uint32_t kByteOrderMagic = 0x1A2B3C4D;
constexpr std::uint16_t kLinkTypeRaw = 101;  // the packet begins with the IP header
constexpr std::uint16_t kEndOfOptions = 0, kComment = 1, kIfName = 2, kIfTimeResolution = 9, kPacketFlags = 2,
                        kUserApplication = 4;
constexpr std::uint8_t kNanoseconds = 9;  // 10^-9
constexpr std::size_t kFlushAt = 64 * 1024;

void u16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}
void u32(Bytes& out, std::uint32_t value) {
  u16(out, static_cast<std::uint16_t>(value));
  u16(out, static_cast<std::uint16_t>(value >> 16));
}
void padded(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize(out.size() + (4 - bytes.size() % 4) % 4);
}
void option(Bytes& out, std::uint16_t code, ByteView value) {
  u16(out, code);
  u16(out, static_cast<std::uint16_t>(value.size()));
  padded(out, value);
}

/// Type and length before, length again behind.
void block(Bytes& out, std::uint32_t type, ByteView body) {
  const auto total = static_cast<std::uint32_t>(body.size() + 12);
  u32(out, type);
  u32(out, total);
  out.insert(out.end(), body.begin(), body.end());
  u32(out, total);
}

Bytes begin_file(std::string_view interface_name) {
  Bytes section, interface, out;
  u32(section, kByteOrderMagic);
  u16(section, 1);  // version 1.0
  u16(section, 0);
  u32(section, 0xFFFFFFFF);  // length of the section: not said
  u32(section, 0xFFFFFFFF);
  option(section, kUserApplication, as_bytes("weft-lab"));
  option(section, kEndOfOptions, {});
  block(out, kSectionHeader, section);
  u16(interface, kLinkTypeRaw);
  u16(interface, 0);
  u32(interface, 0);  // no limit of captured bytes
  option(interface, kIfName, as_bytes(interface_name));
  option(interface, kIfTimeResolution, ByteView{&kNanoseconds, 1});
  option(interface, kEndOfOptions, {});
  block(out, kInterface, interface);
  return out;
}

Bytes packet_block(std::uint64_t wall_ns, bool inbound, EventId id, ByteView packet) {
  Bytes body;
  u32(body, 0);  // of the first interface
  u32(body, static_cast<std::uint32_t>(wall_ns >> 32));
  u32(body, static_cast<std::uint32_t>(wall_ns));
  u32(body, static_cast<std::uint32_t>(packet.size()));
  u32(body, static_cast<std::uint32_t>(packet.size()));
  padded(body, packet);
  const std::uint8_t flags[4] = {static_cast<std::uint8_t>(inbound ? 1 : 2), 0, 0, 0};
  option(body, kComment, as_bytes("event " + std::to_string(id)));
  option(body, kPacketFlags, flags);
  option(body, kEndOfOptions, {});
  return body;
}

/// A node's name as a part of a file name: `home-a/gateway0` is `home-a_gateway0`.
std::string file_part(std::string name) {
  std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '.'; }, '_');
  return name;
}

}  // namespace

Result<std::unique_ptr<PcapngWriter>> PcapngWriter::open(const std::string& folder, WallTime epoch) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string probe = folder + "/.weft-lab";
  const bool writable = !error && std::ofstream(probe).good();
  std::filesystem::remove(probe, error);
  if (!writable) return fail(ErrorCode::io, folder + ": cannot be written; name a folder you may write to with --pcap");
  return std::unique_ptr<PcapngWriter>(new PcapngWriter(folder, epoch));
}

PcapngWriter::~PcapngWriter() {
  for (auto& [key, file] : files_) flush(file);
}

PcapngWriter::File& PcapngWriter::file_of(const std::string& node, Interface interface) {
  File& file = files_[{node, interface}];
  if (!file.path.empty()) return file;
  file.path = folder_ + "/" + file_part(node) + "." + std::string(to_string(interface)) + ".pcapng";
  std::ofstream(file.path, std::ios::trunc).close();
  file.waiting = begin_file(node + " " + std::string(to_string(interface)));
  return file;
}

void PcapngWriter::flush(File& file) {
  std::ofstream out(file.path, std::ios::binary | std::ios::app);
  out.write(reinterpret_cast<const char*>(file.waiting.data()), static_cast<std::streamsize>(file.waiting.size()));
  file.waiting.clear();
}

void PcapngWriter::write(EventId id, const Event& event, const std::string& node) {
  const bool inbound = event.kind == Kind::received || event.kind == Kind::inner_received;
  if (!inbound && event.kind != Kind::sent && event.kind != Kind::inner_sent) return;
  File& file = file_of(node, event.interface);
  const WallTime wall = epoch_ + event.at.time_since_epoch();
  block(file.waiting, kEnhancedPacket,
        packet_block(static_cast<std::uint64_t>(wall.time_since_epoch().count()), inbound, id, event.packet));
  if (file.waiting.size() >= kFlushAt) flush(file);
}

}  // namespace weft::tracing

// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/pcap_file.h"

#include <cerrno>
#include <cstring>

namespace weft::gateway {
namespace {

void put(std::FILE* file, std::uint32_t word) { std::fwrite(&word, sizeof word, 1, file); }

}  // namespace

/// Words are in the machine's byte order; the first one tells which that is.
Result<PcapFile> PcapFile::create(const std::string& path) {
  PcapFile pcap;
  pcap.file_.reset(std::fopen(path.c_str(), "wb"));
  if (!pcap.file_) return fail(ErrorCode::io, path + ": " + std::strerror(errno) + "; name a file you may write to");
  constexpr std::uint32_t kNanosecondMagic = 0xA1B23C4D, kVersion = 4u << 16 | 2u, kSnapLength = 262144, kEthernet = 1;
  for (const std::uint32_t word : {kNanosecondMagic, kVersion, 0u, 0u, kSnapLength, kEthernet})
    put(pcap.file_.get(), word);
  return pcap;
}

void PcapFile::write(WallTime at, ByteView frame) {
  const std::int64_t ns = at.time_since_epoch().count();
  put(file_.get(), static_cast<std::uint32_t>(ns / 1'000'000'000));
  put(file_.get(), static_cast<std::uint32_t>(ns % 1'000'000'000));
  put(file_.get(), static_cast<std::uint32_t>(frame.size()));
  put(file_.get(), static_cast<std::uint32_t>(frame.size()));
  std::fwrite(frame.data(), 1, frame.size(), file_.get());
}

void PcapFile::flush() { std::fflush(file_.get()); }

}  // namespace weft::gateway

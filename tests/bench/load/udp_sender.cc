// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>

#include "mesh/base/bytes.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"
#include "tests/bench/load/udp_load.h"

namespace weft::load {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxSegments = 64, kMaxPayload = 65'507;  // of one UDP_SEGMENT send
constexpr int kCallsPerLook = 16;                               // at the clock

void number(Bytes& content, std::size_t length, std::uint64_t first) {
  for (std::size_t at = 0; at < content.size(); at += length) store_u64le(&content[at], first++);
}

}  // namespace

Result<Sent> send_udp(const SendOptions& options) {
  const auto target = host::to_socket_address(options.target);
  const host::FileDescriptor fd(::socket(target.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const std::string what = "UDP to " + options.target.to_string();
  if (!fd.valid() || ::connect(fd.get(), target.get(), target.length) != 0) {
    return host::fail_errno(ErrorCode::io, what, errno);
  }
  const std::size_t segments = options.gso ? std::min(kMaxSegments, kMaxPayload / options.length) : 1;
  if (segments > 1 && !host::set_option(fd.get(), IPPROTO_UDP, UDP_SEGMENT, static_cast<int>(options.length))) {
    return host::fail_errno(ErrorCode::io, what + " with UDP_SEGMENT", errno);
  }
  Bytes content(segments * options.length, 'w');
  Sent sent;
  const auto began = Clock::now();
  while (Clock::now() < began + options.span) {
    for (int i = 0; i < kCallsPerLook; ++i) {
      number(content, options.length, sent.datagrams + sent.refused);
      const bool taken = ::send(fd.get(), content.data(), content.size(), 0) >= 0;
      (taken ? sent.datagrams : sent.refused) += segments;
    }
  }
  sent.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return sent;
}

}  // namespace weft::load

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/load/flood.h"

#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "mesh/host/file_descriptor.h"
#include "mesh/host/socket_address.h"
#include "mesh/host/system_random.h"
#include "mesh/wireguard/cookie.h"

namespace weft::load {
namespace {

using Clock = std::chrono::steady_clock;
using wireguard::kInitiationSize;
constexpr std::size_t kDistinct = 4096;  // messages, before they repeat
constexpr std::size_t kSegments = 64;    // of one send
constexpr std::chrono::milliseconds kTick{2};

/// Messages of the right type and length, all else random.
Bytes random_initiations() {
  Bytes all(kDistinct * kInitiationSize);
  host::SystemEntropy entropy;
  entropy.fill(all);
  for (std::size_t at = 0; at < all.size(); at += kInitiationSize) {
    store_u32le(&all[at], static_cast<std::uint32_t>(wireguard::MessageType::handshake_initiation));
  }
  return all;
}

Result<host::FileDescriptor> open(const Endpoint& target, const std::optional<IpAddress>& source) {
  const auto address = host::to_socket_address(target);
  host::FileDescriptor fd(::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto local = host::to_socket_address({source.value_or(IpAddress::any(target.address.family())), 0});
  if (!fd.valid() || ::bind(fd.get(), local.get(), local.length) != 0 ||
      ::connect(fd.get(), address.get(), address.length) != 0 ||
      !host::set_option(fd.get(), IPPROTO_UDP, UDP_SEGMENT, kInitiationSize)) {
    return host::fail_errno(ErrorCode::io, "UDP to " + target.to_string(), errno);
  }
  return fd;
}

void pause_for(std::chrono::nanoseconds span) {
  const timespec limit{.tv_sec = 0, .tv_nsec = std::clamp<long>(span.count(), 0, 999'999'999)};
  ::ppoll(nullptr, 0, &limit, nullptr);
}

}  // namespace

Bytes initiations_with_bad_mac1() { return random_initiations(); }

Bytes initiations_with_random_ephemeral(const crypto::PublicKey& responder) {
  Bytes all = random_initiations();
  wireguard::CookieGenerator generator(responder);
  for (std::size_t at = 0; at < all.size(); at += kInitiationSize) {
    generator.add_macs(Time{}, MutableByteView(all).subspan(at, kInitiationSize));
  }
  return all;
}

Result<Bytes> replayed_initiations(const std::string& hex) {
  const auto one = from_hex(hex);
  if (!one || one->size() != kInitiationSize) {
    return fail(ErrorCode::usage, "--initiation must be the 148 bytes of a captured initiation in hexadecimal");
  }
  Bytes all;
  for (std::size_t i = 0; i < kSegments; ++i) all.insert(all.end(), one->begin(), one->end());
  return all;
}

Result<Flooded> flood(const FloodOptions& options) {
  std::vector<host::FileDescriptor> sockets;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.sources.size(), 1); ++i) {
    auto fd = open(options.target, options.sources.empty() ? std::nullopt : std::optional(options.sources[i]));
    if (!fd) return std::unexpected(fd.error());
    sockets.push_back(std::move(*fd));
  }
  constexpr std::size_t kSendSize = kSegments * kInitiationSize;
  Flooded done;
  const std::clock_t cpu = std::clock();
  const auto began = Clock::now();
  for (std::uint64_t call = 0; Clock::now() < began + options.span; ++call) {
    const std::uint8_t* const content = &options.initiations[call * kSendSize % options.initiations.size()];
    const bool taken = ::send(sockets[call % sockets.size()].get(), content, kSendSize, 0) >= 0;
    (taken ? done.initiations : done.refused) += kSegments;
    const auto due = began + std::chrono::nanoseconds((call + 1) * kSegments * 1'000'000'000 / options.rate);
    if (due > Clock::now() + kTick) pause_for(due - Clock::now());
  }
  done.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  done.cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  return done;
}

}  // namespace weft::load

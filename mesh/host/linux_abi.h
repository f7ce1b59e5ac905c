// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// What running kernels know and the headers of Debian 12 (linux-libc-dev 6.1) lack.
namespace weft::host::abi {

/// <linux/if_tun.h>, Linux 6.2: the device may be given UDP super-packets. Only both together.
inline constexpr unsigned kTunFUso4 = 0x20, kTunFUso6 = 0x40;
/// <linux/virtio_net.h>, Linux 6.2: the packet is a run of UDP datagrams.
inline constexpr std::uint8_t kVirtioNetHdrGsoUdpL4 = 5;

}  // namespace weft::host::abi

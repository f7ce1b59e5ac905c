// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_stream_port.h"

#include <algorithm>

#include "sim/ns3/ns3_listener.h"
#include "sim/ns3/ns3_stream.h"

namespace weft::stack {

Result<std::unique_ptr<io::StreamPort>> Ns3StreamPort::open(Ns3Host& host, const Endpoint& local,
                                                            io::AcceptHandler on_accept) {
  auto listener = Ns3Listener::listen(host, local, std::move(on_accept));
  if (!listener) return std::unexpected(listener.error());
  return std::make_unique<Ns3StreamPort>(host, std::move(*listener));
}

std::unique_ptr<io::Stream> Ns3StreamPort::connect(const Endpoint& remote) {
  Endpoint local = local_endpoint();
  const auto own = std::ranges::find(host_.addresses(), remote.address.family(), &IpAddress::family);
  if (local.address.is_unspecified() && own != host_.addresses().end()) local.address = *own;
  return Ns3Stream::connect(host_, remote, local);
}

}  // namespace weft::stack

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/nat64_host.h"

#include <algorithm>

#include "mesh/agent/nat64_socket.h"
#include "mesh/base/nat64.h"
#include "mesh/base/random.h"
#include "mesh/base/trace.h"
#include "mesh/io/clock.h"
#include "mesh/io/resolver.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/io/tun_device.h"

namespace weft::agent {
namespace {

bool leads_out(const io::NetworkInterface& interface, IpFamily family) {
  return interface.up && interface.has_default_route &&
         std::ranges::any_of(interface.addresses, [family](const Prefix& prefix) {
           return prefix.address.family() == family && !prefix.address.is_link_local();
         });
}

bool any_leads_out(const std::vector<io::NetworkInterface>& interfaces, IpFamily family) {
  return std::ranges::any_of(interfaces, [family](const auto& interface) { return leads_out(interface, family); });
}

}  // namespace

Nat64Host::Nat64Host(io::Host& inner) : inner_(inner), timer_(inner, [this] { ask(); }) {
  inner_.network().on_change([this] {
    look();
    if (const auto handler = handler_) handler();
  });
  look();
}

Nat64Host::~Nat64Host() { inner_.network().on_change({}); }

std::unique_ptr<io::Timer> Nat64Host::make_timer(std::function<void()> handler) {
  return inner_.make_timer(std::move(handler));
}

Result<std::unique_ptr<io::UdpSocket>> Nat64Host::open_udp(const io::UdpOptions& options) {
  if (options.local.address != IpAddress::any(IpFamily::v4)) return inner_.open_udp(options);
  auto socket =
      std::make_unique<Nat64Socket>(inner_, options, [this](Nat64Socket& ended) { std::erase(sockets_, &ended); });
  if (auto done = socket->follow(prefix_); !done) return std::unexpected(done.error());
  sockets_.push_back(socket.get());
  return socket;
}

std::unique_ptr<io::Stream> Nat64Host::connect(const Endpoint& remote) {
  if (!prefix_ || !remote.address.is_v4() || remote.address.is_loopback()) return inner_.connect(remote);
  return inner_.connect({embed_ipv4(*prefix_, remote.address), remote.port});
}

Result<std::unique_ptr<io::StreamListener>> Nat64Host::listen(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return inner_.listen(local, std::move(on_accept));
}

Result<std::unique_ptr<io::StreamPort>> Nat64Host::open_stream_port(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return inner_.open_stream_port(local, std::move(on_accept));
}

Result<std::unique_ptr<io::TunDevice>> Nat64Host::open_tun(const io::TunOptions& options) {
  return inner_.open_tun(options);
}

std::unique_ptr<Random> Nat64Host::rng(std::string_view purpose) { return inner_.rng(purpose); }

std::vector<io::NetworkInterface> Nat64Host::interfaces() const {
  auto list = inner_.network().interfaces();
  if (!prefix_) return list;
  const auto out = std::ranges::find_if(list, [](const auto& each) { return leads_out(each, IpFamily::v6); });
  if (out != list.end()) out->addresses.push_back({kContinuityAddress, 29});
  return list;
}

void Nat64Host::look() {
  const auto list = inner_.network().interfaces();
  retry_ = kFirstRetry;
  if (!any_leads_out(list, IpFamily::v4) && any_leads_out(list, IpFamily::v6)) return ask();
  question_.reset();
  timer_.arm(std::nullopt);
  use(std::nullopt);
}

void Nat64Host::ask() {
  question_ = std::make_shared<int>();
  inner_.resolver().resolve(kIpv4OnlyName, [this, asked = std::weak_ptr(question_)](const auto& answer) {
    if (asked.expired()) return;
    const auto found = answer ? discovered_prefix(*answer) : std::nullopt;
    timer_.arm(clock().now() + (found ? kRenewal : retry_));
    retry_ = found ? kFirstRetry : std::min(2 * retry_, kLongestRetry);
    if (found == prefix_) return;
    use(found);
    if (const auto handler = handler_) handler();
  });
}

void Nat64Host::use(const std::optional<Prefix>& prefix) {
  if (prefix == prefix_) return;
  prefix_ = prefix;
  weft::trace(trace(), clock().now(), TraceLevel::info, "agent", "nat64",
              {{"prefix", prefix ? prefix->to_string() : std::string("none")}});
  for (Nat64Socket* socket : sockets_) static_cast<void>(socket->follow(prefix));
}

}  // namespace weft::agent

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"

namespace weft::agent {

class Nat64Socket;

/// The host of an agent, whose network may have IPv6 only and a NAT64 towards IPv4 (RFC 6146). Where no interface with
/// a default route has IPv4, it looks for the NAT64's prefix by the name ipv4only.arpa (RFC 7050) and reaches IPv4
/// endpoints inside it (RFC 6052): what is above sees a host with IPv4 behind one more NAT, as with a CLAT (RFC 6877).
/// Anywhere else it passes everything on.
///
/// Timers: the next look, kFirstRetry after a failure and doubling up to kLongestRetry, kRenewal after a success. A
/// change of the network looks at once; what was found stays until the answer.
class Nat64Host final : public io::Host, private io::NetworkMonitor {
 public:
  static constexpr Duration kFirstRetry = 1s, kLongestRetry = 64s;
  /// A resolver's interface does not tell how long a record lives.
  static constexpr Duration kRenewal = 600s;

  /// Begins to look. `inner` outlives it.
  explicit Nat64Host(io::Host& inner);
  ~Nat64Host() override;

  /// In use; nullopt: there is IPv4, or no NAT64 was found.
  const std::optional<Prefix>& prefix() const { return prefix_; }

  io::Clock& clock() override { return inner_.clock(); }
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler) override;
  void post(std::function<void()> task) override { inner_.post(std::move(task)); }
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions& options) override;
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override;
  Result<std::unique_ptr<io::StreamListener>> listen(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  /// Of the host itself: TCP from here to IPv4 goes by connect() alone.
  Result<std::unique_ptr<io::StreamPort>> open_stream_port(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::TunDevice>> open_tun(const io::TunOptions& options) override;
  io::Resolver& resolver() override { return inner_.resolver(); }
  /// With the address of RFC 7335 on the interface that leads to the NAT64.
  io::NetworkMonitor& network() override { return *this; }
  io::FileSystem& files() override { return inner_.files(); }
  std::unique_ptr<Random> rng(std::string_view purpose) override;
  Entropy& entropy() override { return inner_.entropy(); }
  TraceSink& trace() override { return inner_.trace(); }
  unsigned lanes() const override { return inner_.lanes(); }
  io::Lane* lane(unsigned number) override { return inner_.lane(number); }

 private:
  std::vector<io::NetworkInterface> interfaces() const override;
  void on_change(std::function<void()> handler) override { handler_ = std::move(handler); }
  void look();
  void ask();
  void use(const std::optional<Prefix>& prefix);

  io::Host& inner_;
  std::function<void()> handler_;
  std::optional<Prefix> prefix_;
  std::vector<Nat64Socket*> sockets_;
  Duration retry_ = kFirstRetry;
  std::shared_ptr<int> question_;  // the one whose answer counts
  CoreTimer timer_;
};

}  // namespace weft::agent

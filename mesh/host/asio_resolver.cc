// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_resolver.h"

#include <algorithm>
#include <boost/asio/ip/udp.hpp>

namespace weft::host {

using boost::asio::ip::udp;
using boost::system::error_code;

struct AsioResolver::Impl {
  explicit Impl(boost::asio::io_context& context) : resolver(context) {}
  udp::resolver resolver;
};

namespace {

std::vector<IpAddress> addresses_of(const udp::resolver::results_type& results) {
  std::vector<IpAddress> addresses;
  for (const auto& entry : results) {
    const auto address = entry.endpoint().address();
    const auto ours =
        address.is_v4() ? IpAddress::v4(address.to_v4().to_uint()) : IpAddress::v6(address.to_v6().to_bytes());
    if (std::ranges::find(addresses, ours) == addresses.end()) addresses.push_back(ours);
  }
  return addresses;
}

}  // namespace

AsioResolver::AsioResolver(AsioLoop& loop) : loop_(loop) {}
AsioResolver::~AsioResolver() = default;

void AsioResolver::resolve(const std::string& name, Handler handler) {
  if (const auto literal = IpAddress::parse(name)) {
    return loop_.post([address = *literal, handler = std::move(handler)] { handler(std::vector{address}); });
  }
  if (!impl_) impl_ = std::make_shared<Impl>(loop_.context());
  impl_->resolver.async_resolve(
      name, "",
      [this, name, alive = std::weak_ptr(impl_), handler = std::move(handler)](const error_code& error, auto results) {
        if (alive.expired()) return;
        loop_.clock().turn();
        if (error) return handler(fail(ErrorCode::not_found, "cannot resolve " + name + ": " + error.message()));
        handler(addresses_of(results));
      });
}

}  // namespace weft::host

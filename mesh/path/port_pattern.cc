// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/port_pattern.h"

#include <algorithm>
#include <numeric>

namespace weft::path {

std::uint16_t PortPattern::after_base(std::int64_t n) const {
  const PortRange all = range.or_all();
  const std::int64_t span = all.size();
  const std::int64_t offset = (std::int64_t{base} - all.low + n * step) % span;
  return static_cast<std::uint16_t>(all.low + (offset < 0 ? offset + span : offset));
}

std::vector<std::uint16_t> draw_ports(const PortRange& range, std::size_t count, Random& random) {
  std::vector<std::uint16_t> ports(range.size());
  std::iota(ports.begin(), ports.end(), range.low);
  count = std::min(count, ports.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto other = static_cast<std::size_t>(random.below(ports.size() - i));
    std::swap(ports[i], ports[i + other]);
  }
  ports.resize(count);
  ports.shrink_to_fit();
  return ports;
}

}  // namespace weft::path

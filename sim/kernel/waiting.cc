// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/waiting.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include "sim/kernel/host_process.h"

namespace weft::kernel {
namespace {

constexpr int kLookEachMs = 5;
constexpr std::size_t kLogShown = 400;

/// The last lines of a file, in one.
std::string tail(const std::string& path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > kLogShown) text.erase(0, text.size() - kLogShown);
  std::ranges::replace(text, '\n', ' ');
  return text.empty() ? "its log is empty" : "its log ends: " + text;
}

}  // namespace

Error ended_early(const HostProcess& process, const std::string& how) {
  return {ErrorCode::internal, "the process '" + process.name() + "' " + how + "; " + tail(process.log())};
}

Result<void> wait_for(HostProcess& process, Duration limit, const std::function<bool()>& answers) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!answers()) {
    if (auto how = process.ended()) return std::unexpected(ended_early(process, *how));
    if (std::chrono::steady_clock::now() > end) {
      return fail(ErrorCode::internal, "the process '" + process.name() + "' does not answer; " + tail(process.log()));
    }
    ::poll(nullptr, 0, kLookEachMs);
  }
  return {};
}

}  // namespace weft::kernel

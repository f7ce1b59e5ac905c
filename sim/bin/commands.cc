// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/commands.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sim/scenario/fabric_world.h"
#include "sim/scenario/scenario.h"
#include "sim/world/stack_loader.h"
#include "sim/world/world.h"

namespace weft::lab {
namespace {

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 1;
}

}  // namespace

int report(const Error& error) {
  std::fprintf(stderr, "weft-lab: %s\n", error.message.c_str());
  return exit_code(error.code);
}

Result<SeedRange> parse_seeds(const std::string& text, const sim::Scenario& scenario) {
  if (text.empty()) return SeedRange{1, scenario.seeds};
  const auto dots = text.find("..");
  SeedRange range;
  const bool ok = dots == std::string::npos ? parse_number(text, range.first) && parse_number(text, range.last)
                                            : parse_number(std::string_view(text).substr(0, dots), range.first) &&
                                                  parse_number(std::string_view(text).substr(dots + 2), range.last);
  if (ok && range.first <= range.last) return range;
  return fail(ErrorCode::usage, "--seeds '" + text + "' is not a seed or a range; write 7 or 1..100");
}

Result<sim::WorldFactory> world_factory(const std::string& fidelity) {
  if (fidelity == "fabric") return sim::make_fabric_world;
  auto factory = sim::load_stack_world();
  if (!factory) return std::unexpected(factory.error());
  return std::move(*factory);
}

Result<void> check_folder(const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || ::access(folder.c_str(), W_OK) != 0) {
    return fail(ErrorCode::io, folder + ": cannot be written; name a folder you may write to with --out");
  }
  return {};
}

Result<void> write_result(const std::string& folder, const std::string& name, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = folder + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (error || !file)
    return fail(ErrorCode::io, path + ": cannot be written; name a folder you may write to with --out");
  return {};
}

}  // namespace weft::lab

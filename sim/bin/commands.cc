// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/commands.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace weft::lab {

int report(const Error& error) {
  std::fprintf(stderr, "weft-lab: %s\n", error.message.c_str());
  return exit_code(error.code);
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

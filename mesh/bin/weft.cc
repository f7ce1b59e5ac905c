// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/arguments.h"

int main(int argc, char** argv) {
  const auto command = weft::bin::parse_arguments(argc, argv);
  return command ? (*command)() : command.error();
}

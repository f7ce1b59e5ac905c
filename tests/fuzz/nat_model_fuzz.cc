// SPDX-License-Identifier: GPL-2.0-only
// links: weft_nat
#include <cstddef>
#include <cstdint>

#include "mesh/base/assert.h"
#include "mesh/base/bytes.h"
#include "sim/nat/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto model = weft::nat::parse_model(weft::as_text({data, size}), "fuzz.json");
  if (model) {
    WEFT_ASSERT(model->ports.low < model->ports.high && model->ports.delta != 0);
  } else {
    WEFT_ASSERT(model.error().message.starts_with("fuzz.json: "));
  }
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace weft::bin {

/// `text` with everything that looks like a secret replaced by "(removed)": setup keys, 32-byte keys in base64 or
/// hexadecimal, and what follows "key", "secret", "password" or "token" and = or a colon.
std::string redact(const std::string& text);
/// The same for all strings of a document, except the values of members named in its public parts (`node_key`).
nlohmann::json redact_document(const nlohmann::json& document);

}  // namespace weft::bin

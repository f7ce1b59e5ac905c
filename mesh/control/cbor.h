// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/control/control_error.h"

namespace weft::control::cbor {

/// Most arrays and maps inside one another.
inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxText = 1024;
inline constexpr std::size_t kMaxBinary = 16 * 1024;

/// Appends CBOR (RFC 8949) in its shortest form.
class Encoder {
 public:
  void number(std::uint64_t value) { head(0, value); }
  void binary(ByteView bytes);
  void text(std::string_view text);
  void array(std::size_t count) { head(4, count); }
  void map(std::size_t count) { head(5, count); }
  void boolean(bool value) { out_.u8(value ? 0xF5 : 0xF4); }
  /// An item that is encoded already.
  void raw(ByteView item) { out_.bytes(item); }
  Bytes take() { return out_.take(); }

 private:
  void head(std::uint8_t major, std::uint64_t value);
  Writer out_;
};

struct Type;

/// A place in a struct that a value of the input may fill. Without a type the value is checked and skipped.
struct Slot {
  void* target = nullptr;
  const Type* type = nullptr;
  std::size_t limit = 0;  // most elements of an array
};

/// A slot of an object, with its number among the object's fields.
struct Member {
  Slot slot;
  int index = -1;
};

/// What may be put into a slot. An empty function refuses its kind of value; false refuses the value itself.
struct Type {
  bool (*number)(void* target, std::uint64_t value) = nullptr;
  bool (*boolean)(void* target, bool value) = nullptr;
  bool (*text)(void* target, std::string& value) = nullptr;
  bool (*binary)(void* target, ByteView value) = nullptr;
  /// The field called `key`; index -1 if there is none.
  Member (*member)(void* target, std::string_view key) = nullptr;
  /// A bit for each field that must occur.
  std::uint64_t (*required)() = nullptr;
  /// Appends an element; nullopt if `limit` are there.
  std::optional<Slot> (*element)(void* target, std::size_t limit) = nullptr;
};

/// Reads one CBOR item that fills `bytes` into `root`. Never recurses deeper than kMaxDepth. Refused: indefinite
/// lengths, tags, duplicate keys, known fields of a wrong type; unknown keys are skipped. Errors: malformed, too_deep,
/// duplicate_key, wrong_type, too_large, missing_field. After an error the target holds parts of the input.
std::expected<void, ControlError> parse(ByteView bytes, const Slot& root);

}  // namespace weft::control::cbor

// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/cbor.h"

#include <nlohmann/json.hpp>
#include <set>

namespace weft::control::cbor {
namespace {

using Json = nlohmann::json;

/// Walks the heads of one item without recursion. nlohmann_json recurses for nested strings of indefinite length
/// without telling its handler, so such input must not reach it.
class Walker {
 public:
  explicit Walker(ByteView bytes) : in_(bytes) {}

  std::expected<void, ControlError> walk() {
    std::vector<std::uint64_t> open;  // items still to come, per enclosing array or map
    do {
      const auto inner = item();
      if (!inner) return std::unexpected(inner.error());
      if (*inner > 0) {
        if (open.size() == kMaxDepth) return std::unexpected(ControlError::too_deep);
        open.push_back(*inner);
        continue;
      }
      while (!open.empty() && --open.back() == 0) open.pop_back();
    } while (!open.empty());
    if (!in_.complete()) return std::unexpected(ControlError::malformed);
    return {};
  }

 private:
  /// One head with its bytes; the number of items inside.
  std::expected<std::uint64_t, ControlError> item() {
    const std::uint8_t initial = in_.u8();
    const int major = initial >> 5;
    const int info = initial & 0x1F;
    if (info > 27 || major == 6) return std::unexpected(ControlError::malformed);  // reserved, indefinite, tag
    const std::uint64_t value = argument(info);
    if (in_.failed()) return std::unexpected(ControlError::malformed);
    if (major == 2 || major == 3) {
      if (value > in_.remaining()) return std::unexpected(ControlError::malformed);
      in_.skip(value);
    }
    if (major != 4 && major != 5) return 0;
    if (value > in_.remaining()) return std::unexpected(ControlError::malformed);  // each item needs a byte
    return major == 4 ? value : 2 * value;
  }

  std::uint64_t argument(int info) {
    switch (info) {
      case 24:
        return in_.u8();
      case 25:
        return in_.u16be();
      case 26:
        return in_.u32be();
      case 27:
        return in_.u64be();
      default:
        return static_cast<std::uint64_t>(info);
    }
  }

  Reader in_;
};

/// Puts the values that the parser meets where the types say. A handler of nlohmann::json::sax_parse.
class Filler {
 public:
  explicit Filler(const Slot& root) : next_(root) {}

  ControlError error() const { return error_; }

  bool number_unsigned(std::uint64_t value) {
    return scalar(
        [&](const Slot& slot) { return slot.type->number != nullptr && slot.type->number(slot.target, value); });
  }
  bool boolean(bool value) {
    return scalar(
        [&](const Slot& slot) { return slot.type->boolean != nullptr && slot.type->boolean(slot.target, value); });
  }
  bool string(std::string& value) {
    if (value.size() > kMaxText) return refuse(ControlError::too_large);
    return scalar([&](const Slot& slot) { return slot.type->text != nullptr && slot.type->text(slot.target, value); });
  }
  bool binary(Json::binary_t& value) {
    if (value.size() > kMaxBinary) return refuse(ControlError::too_large);
    return scalar(
        [&](const Slot& slot) { return slot.type->binary != nullptr && slot.type->binary(slot.target, value); });
  }
  bool null() { return unwanted(); }
  bool number_integer(std::int64_t) { return unwanted(); }
  bool number_float(double, const std::string&) { return unwanted(); }

  bool start_object(std::size_t) {
    return open(false, [](const Type& type) { return type.member != nullptr; });
  }
  bool key(std::string& key) {
    Frame& frame = frames_.back();
    const Type* type = frame.slot.type;
    const Member member = type != nullptr ? type->member(frame.slot.target, key) : Member{};
    next_ = member.slot;
    if (member.index < 0) return frame.unknown.insert(key).second || refuse(ControlError::duplicate_key);
    const std::uint64_t bit = std::uint64_t{1} << member.index;
    if (frame.seen & bit) return refuse(ControlError::duplicate_key);
    frame.seen |= bit;
    return true;
  }
  bool end_object() {
    const Frame& frame = frames_.back();
    if (frame.slot.type != nullptr) {
      const std::uint64_t required = frame.slot.type->required();
      if ((frame.seen & required) != required) return refuse(ControlError::missing_field);
    }
    frames_.pop_back();
    return true;
  }
  bool start_array(std::size_t) {
    return open(true, [](const Type& type) { return type.element != nullptr; });
  }
  bool end_array() {
    frames_.pop_back();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) { return refuse(ControlError::malformed); }

 private:
  struct Frame {
    Slot slot;
    bool array = false;
    std::uint64_t seen = 0;
    std::set<std::string> unknown;
  };
  bool refuse(ControlError error) {
    error_ = error;
    return false;
  }

  /// Where the coming value goes; nullopt: the array is full.
  std::optional<Slot> place() {
    if (frames_.empty() || !frames_.back().array) return next_;
    const Slot& array = frames_.back().slot;
    if (array.type == nullptr) return Slot{};
    return array.type->element(array.target, array.limit);
  }

  template <typename Put>
  bool scalar(const Put& put) {
    const auto slot = place();
    if (!slot) return refuse(ControlError::too_large);
    if (slot->type == nullptr || put(*slot)) return true;
    return refuse(ControlError::wrong_type);
  }

  bool unwanted() {
    return scalar([](const Slot&) { return false; });
  }

  template <typename Fits>
  bool open(bool array, const Fits& fits) {
    const auto slot = place();
    if (!slot) return refuse(ControlError::too_large);
    if (frames_.size() == kMaxDepth) return refuse(ControlError::too_deep);
    if (slot->type != nullptr && !fits(*slot->type)) return refuse(ControlError::wrong_type);
    frames_.push_back({*slot, array, 0, {}});
    return true;
  }

  Slot next_;  // where the value of the last key goes
  std::vector<Frame> frames_;
  ControlError error_ = ControlError::malformed;
};

}  // namespace

void Encoder::head(std::uint8_t major, std::uint64_t value) {
  const auto initial = [&](int info) { return static_cast<std::uint8_t>(major << 5 | info); };
  if (value < 24) {
    out_.u8(initial(static_cast<int>(value)));
  } else if (value <= 0xFF) {
    out_.u8(initial(24)).u8(static_cast<std::uint8_t>(value));
  } else if (value <= 0xFFFF) {
    out_.u8(initial(25)).u16be(static_cast<std::uint16_t>(value));
  } else if (value <= 0xFFFFFFFF) {
    out_.u8(initial(26)).u32be(static_cast<std::uint32_t>(value));
  } else {
    out_.u8(initial(27)).u64be(value);
  }
}

void Encoder::binary(ByteView bytes) {
  head(2, bytes.size());
  out_.bytes(bytes);
}

void Encoder::text(std::string_view text) {
  head(3, text.size());
  out_.bytes(as_bytes(text));
}

std::expected<void, ControlError> parse(ByteView bytes, const Slot& root) {
  if (const auto sound = Walker(bytes).walk(); !sound) return sound;
  Filler filler(root);
  try {
    if (Json::sax_parse(bytes.begin(), bytes.end(), &filler, Json::input_format_t::cbor)) return {};
  } catch (const Json::exception&) {
    return std::unexpected(ControlError::malformed);
  }
  return std::unexpected(filler.error());
}

}  // namespace weft::control::cbor

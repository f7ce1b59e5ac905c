// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft::control {

/// A word about a NAT (docs/protocol.md), in sixteen bytes: a node has six of them for each node of its network. Those
/// of this version are known by number; one of a later version is kept as it came, so that a coordinator hands it on.
class Word {
 public:
  Word() = default;
  template <std::convertible_to<std::string_view> Text>
  Word(const Text& text) {
    set(text);
  }
  Word(const Word& other) { *this = other; }
  Word(Word&&) noexcept = default;
  Word& operator=(const Word& other);
  Word& operator=(Word&&) noexcept = default;
  ~Word() = default;

  std::string_view view() const;
  operator std::string_view() const { return view(); }
  friend bool operator==(const Word& a, const Word& b) { return a.view() == b.view(); }

 private:
  void set(std::string_view text);
  std::unique_ptr<const std::string> other_;  // not null: the word
  std::uint8_t known_ = 0;                    // else its number; 0: no word
};

}  // namespace weft::control

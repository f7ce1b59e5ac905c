// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::portmap {

/// As much of XML 1.0 as device descriptions and SOAP answers use: elements, text, CDATA, comments, declarations, the
/// five entities and character references. Attributes are skipped, prefixes of names dropped. A document type, a
/// depth above 16 or more than 1,024 elements are refused.
class XmlDocument {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Element {
    std::string name;  // without prefix
    std::string text;  // its own, without white space around it
    std::size_t parent = kNone;
  };

  /// nullopt: not well formed, or beyond the limits above.
  static std::optional<XmlDocument> parse(std::string_view text);

  /// In the order of their start tags; the first is the root.
  const std::vector<Element>& elements() const { return elements_; }
  /// The first element `name` at or below `from`; kNone if there is none.
  std::size_t find(std::string_view name, std::size_t from = 0) const;
  /// The text of the first child `name` of element `parent`; empty if there is none.
  std::string_view child_text(std::size_t parent, std::string_view name) const;

 private:
  bool below(std::size_t element, std::size_t from) const;
  std::vector<Element> elements_;
  friend class XmlReader;
};

/// `text` with & < > " ' as entities.
std::string xml_escape(std::string_view text);

}  // namespace weft::portmap

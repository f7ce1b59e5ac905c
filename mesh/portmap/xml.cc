// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/xml.h"

#include <array>
#include <charconv>
#include <utility>

namespace weft::portmap {
namespace {

constexpr std::size_t kMaxDepth = 16, kMaxElements = 1024;
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// "&name;" or "&#...;" without & and ;.
bool append_reference(std::string& out, std::string_view name) {
  for (const auto& [entity, character] : kEntities) {
    if (name != entity) continue;
    out += character;
    return true;
  }
  if (name.size() < 2 || name[0] != '#') return false;
  const bool hex = name[1] == 'x';
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) return false;
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
  append_utf8(out, code);
  return true;
}

}  // namespace

/// Walks over the text once; each take_* consumes what it names or fails.
class XmlReader {
 public:
  XmlReader(std::string_view text, XmlDocument& out) : rest_(text), out_(out) {}

  bool read() {
    while (!rest_.empty()) {
      const bool ok = rest_.front() == '<' ? take_markup() : take_text();
      if (!ok) return false;
    }
    return open_.empty() && !out_.elements_.empty();
  }

 private:
  bool take_markup() {
    if (rest_.starts_with("<?")) return skip_to("?>");
    if (rest_.starts_with("<!--")) return skip_to("-->");
    if (rest_.starts_with("<![CDATA[")) return take_cdata();
    if (rest_.starts_with("<!")) return false;
    return rest_.starts_with("</") ? take_end_tag() : take_start_tag();
  }

  bool skip_to(std::string_view end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }

  bool take_cdata() {
    const auto end = rest_.find("]]>");
    if (open_.empty() || end == std::string_view::npos) return false;
    out_.elements_[open_.back()].text += rest_.substr(9, end - 9);
    rest_.remove_prefix(end + 3);
    return true;
  }

  bool take_text() {
    const std::string_view text = rest_.substr(0, rest_.find('<'));
    rest_.remove_prefix(text.size());
    if (open_.empty()) return trim(text).empty() || text == "\xEF\xBB\xBF";
    std::string& out = out_.elements_[open_.back()].text;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] != '&') {
        out += text[at++];
        continue;
      }
      const auto end = text.find(';', at);
      if (end == std::string_view::npos || !append_reference(out, text.substr(at + 1, end - at - 1))) return false;
      at = end + 1;
    }
    return true;
  }

  /// Up to white space, `/` or `>`; without prefix.
  static std::string_view local_name(std::string_view tag) {
    const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    const auto colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
  }

  /// The end of a start tag; a > in an attribute's value is none.
  std::size_t tag_end() const {
    char quote = 0;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return at;
      }
    }
    return std::string_view::npos;
  }

  bool take_start_tag() {
    const auto end = tag_end();
    if (end == std::string_view::npos) return false;
    const std::string_view tag = rest_.substr(1, end - 1);
    const std::string_view name = local_name(tag);
    const bool second_root = open_.empty() && !out_.elements_.empty();
    if (name.empty() || second_root || open_.size() >= kMaxDepth || out_.elements_.size() >= kMaxElements) return false;
    const std::size_t parent = open_.empty() ? XmlDocument::kNone : open_.back();
    out_.elements_.push_back({std::string(name), {}, parent});
    if (!tag.ends_with('/')) open_.push_back(out_.elements_.size() - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool take_end_tag() {
    const auto end = rest_.find('>');
    if (end == std::string_view::npos || open_.empty()) return false;
    XmlDocument::Element& element = out_.elements_[open_.back()];
    if (local_name(trim(rest_.substr(2, end - 2))) != element.name) return false;
    element.text = std::string(trim(element.text));
    open_.pop_back();
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
  XmlDocument& out_;
  std::vector<std::size_t> open_;
};

std::optional<XmlDocument> XmlDocument::parse(std::string_view text) {
  XmlDocument document;
  if (!XmlReader(text, document).read()) return std::nullopt;
  return document;
}

bool XmlDocument::below(std::size_t element, std::size_t from) const {
  while (element != kNone && element > from) element = elements_[element].parent;
  return element == from;
}

std::size_t XmlDocument::find(std::string_view name, std::size_t from) const {
  for (std::size_t at = from; at < elements_.size(); ++at) {
    if (elements_[at].name == name && below(at, from)) return at;
  }
  return kNone;
}

std::string_view XmlDocument::child_text(std::size_t parent, std::string_view name) const {
  for (std::size_t at = parent; at < elements_.size(); ++at) {
    if (elements_[at].parent == parent && elements_[at].name == name) return elements_[at].text;
  }
  return {};
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    std::string_view entity;
    for (const auto& [name, character] : kEntities) {
      if (c == character) entity = name;
    }
    if (entity.empty()) {
      out += c;
    } else {
      out.append("&").append(entity).append(";");
    }
  }
  return out;
}

}  // namespace weft::portmap

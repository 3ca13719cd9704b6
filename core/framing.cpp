#include "core/framing.hpp"

#include <algorithm>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

/// What the fields of a head say about its body.
struct FramingFields {
  std::size_t lengths = 0;  ///< Content-Length fields
  std::size_t codings = 0;  ///< Transfer-Encoding fields
  std::string_view length;  ///< value of the last Content-Length
  std::string_view coding;  ///< value of the last Transfer-Encoding
  bool has_length() const { return lengths != 0; }
  bool has_coding() const { return codings != 0; }
};

/// Fills `found` from `fields`. Returns what is wrong whatever the framing fields say, or "".
std::string_view survey(const Fields& fields, FramingFields& found) {
  std::ptrdiff_t options = 0;
  for (const Field& field : fields) {
    if (field.id == FieldId::content_length) {
      ++found.lengths;
      found.length = field.value;
    } else if (field.id == FieldId::transfer_encoding) {
      ++found.codings;
      found.coding = field.value;
    } else if (field.id == FieldId::connection) {
      options += 1 + std::count(field.value.begin(), field.value.end(), ',');
    }
  }
  if (options > static_cast<std::ptrdiff_t>(max_connection_options)) {
    return "too many connection options";
  }
  return {};
}

/// What is wrong with the framing fields of a message, or "".
std::string_view conflict(const FramingFields& found, unsigned minor) {
  if (found.has_coding()) {
    if (minor == 0) return "Transfer-Encoding in HTTP/1.0";
    if (found.has_length()) return "Transfer-Encoding together with Content-Length";
    if (found.codings > 1) return "more than one Transfer-Encoding";
    if (!iequals(found.coding, "chunked")) return "Transfer-Encoding is not chunked";
    return {};
  }
  if (found.lengths > 1) return "more than one Content-Length";
  return {};
}

/// The framing that conflict-free fields give; `otherwise` without any.
Result<BodyFraming, Refusal> framing_of(const FramingFields& found, BodyKind otherwise,
                                        unsigned status) {
  if (found.has_coding()) return BodyFraming{BodyKind::chunked, 0};
  if (!found.has_length()) return BodyFraming{otherwise, 0};
  const auto length = parse_content_length(found.length);
  if (!length) return Refusal{status, "malformed Content-Length"};
  return BodyFraming{BodyKind::length, *length};
}

}  // namespace

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  constexpr std::size_t max_digits = 19;
  constexpr std::uint64_t limit = std::uint64_t{1} << 63U;
  if (value.empty() || value.size() > max_digits) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return std::nullopt;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (length >= limit) return std::nullopt;
  return length;
}

std::optional<Refusal> check_head_octets(std::string_view raw) {
  if (!raw.empty() && is_blank(raw.front())) return Refusal{400, "white space before the head"};
  std::size_t line = 0;
  std::size_t at = find_control(raw, 0);
  while (at < raw.size()) {
    if (raw[at] == '\r') {
      if (at + 1 == raw.size() || raw[at + 1] != '\n') return Refusal{400, "bare CR in the head"};
      const bool empty_line = at == line;
      if (empty_line && line == 0) return Refusal{400, "empty line before the head"};
      line = at + 2;
      if (empty_line) break;
      if (line < raw.size() && is_blank(raw[line])) return Refusal{400, "folded field line"};
      at = line;
    } else if (raw[at] == '\t') {
      ++at;
    } else if (raw[at] == '\n') {
      return Refusal{400, "bare LF in the head"};
    } else {
      return Refusal{400, "control character in the head"};
    }
    at = find_control(raw, at);
  }
  if (at >= raw.size()) return Refusal{400, "head without an end"};
  if (line != raw.size()) return Refusal{400, "octets behind the head"};
  return std::nullopt;
}

Result<BodyFraming, Refusal> frame_request(const RequestHead& head) {
  constexpr unsigned status = 400;
  FramingFields found;
  std::string_view wrong = survey(head.fields, found);
  if (wrong.empty()) wrong = conflict(found, head.minor);
  if (!wrong.empty()) return Refusal{status, wrong};
  return framing_of(found, BodyKind::none, status);
}

Result<BodyFraming, Refusal> frame_response(const ResponseHead& head, bool to_head) {
  constexpr unsigned status = 502;
  if (head.status < 100 || head.status > 999) return Refusal{status, "impossible status code"};
  FramingFields found;
  std::string_view wrong = survey(head.fields, found);
  if (!wrong.empty()) return Refusal{status, wrong};
  const bool bodiless = to_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodiless) return BodyFraming{};
  wrong = conflict(found, head.minor);
  if (!wrong.empty()) return Refusal{status, wrong};
  return framing_of(found, BodyKind::until_close, status);
}

}  // namespace sluice::core

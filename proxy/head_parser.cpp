#include "proxy/head_parser.hpp"

#include "core/octets.hpp"
#include "core/target.hpp"

namespace sluice::proxy {
using core::Refusal;

namespace {

constexpr unsigned max_response_fields = 1000;
constexpr std::string_view malformed_request = "the request head is malformed";
constexpr Refusal malformed_response{502, "the response head is malformed"};

/// A line of a head in which check_head_octets() found nothing: CRLF ends it and stands nowhere
/// else.
class Lines {
 public:
  explicit Lines(std::string_view head) : left_(head) {}
  /// The next line without its CRLF; the empty one is the last.
  std::string_view next() {
    const std::size_t end = left_.find('\r');
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end + 2);
    return line;
  }

 private:
  std::string_view left_;
};

enum class Cut : std::uint8_t { done, malformed, too_many };

/// Cuts the field lines: a token, a colon right behind it, a value with blanks around it or not
/// (RFC 9112 section 5). What an octet may be has been checked before.
Cut cut_fields(Lines& lines, std::size_t max_fields, core::Fields& fields) {
  fields.clear();
  for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
    std::size_t colon = 0;
    while (colon < line.size() && core::is_token_char(line[colon])) ++colon;
    if (colon == 0 || colon == line.size() || line[colon] != ':') return Cut::malformed;
    if (fields.size() == max_fields) return Cut::too_many;
    const std::string_view name = line.substr(0, colon);
    fields.push_back({name, core::trim_blanks(line.substr(colon + 1)), core::field_id(name)});
  }
  return Cut::done;
}

/// The digits of "HTTP/d.d", or nothing.
struct Version {
  char major = 0;
  char minor = 0;
};
std::optional<Version> version_of(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.') return std::nullopt;
  if (!core::is_digit(text[5]) || !core::is_digit(text[7])) return std::nullopt;
  return Version{text[5], text[7]};
}

unsigned served_minor(Version version) {
  return version.minor == '0' ? 0 : 1;
}

/// method SP target SP version, one SP each (RFC 9112 section 3).
std::optional<Refusal> cut_request_line(std::string_view line, core::RequestHead& head) {
  const std::size_t last_space = line.rfind(' ');
  if (last_space == std::string_view::npos) return Refusal{400, "the request line is malformed"};
  const auto version = version_of(line.substr(last_space + 1));
  if (!version) return Refusal{400, "the request line is malformed"};
  if (version->major != '1') return Refusal{505, "this HTTP version is not supported"};
  const std::size_t first_space = line.find(' ');
  if (first_space == last_space) return Refusal{400, malformed_request};
  head.method = line.substr(0, first_space);
  head.target = line.substr(first_space + 1, last_space - first_space - 1);
  head.minor = served_minor(*version);
  const bool is_clean = core::is_token(head.method) && !head.target.empty() &&
                        head.target.find_first_of(" \t") == std::string_view::npos;
  return is_clean ? std::nullopt : std::optional(Refusal{400, malformed_request});
}

/// version SP three digits, then SP and a reason, or nothing (RFC 9112 section 4).
bool cut_status_line(std::string_view line, core::ResponseHead& head) {
  constexpr std::size_t size_of_version = 8;
  constexpr std::size_t size_without_reason = size_of_version + 4;
  const auto version = version_of(line.substr(0, size_of_version));
  if (!version || version->major != '1' || line.size() < size_without_reason) return false;
  const std::string_view digits = line.substr(size_of_version + 1, 3);
  head.status = 0;
  for (const char digit : digits) {
    if (!core::is_digit(digit)) return false;
    head.status = head.status * 10 + static_cast<unsigned>(digit - '0');
  }
  head.minor = served_minor(*version);
  const bool has_reason = line.size() > size_without_reason;
  head.reason = has_reason ? line.substr(size_without_reason + 1) : std::string_view{};
  return line[size_of_version] == ' ' && (!has_reason || line[size_without_reason] == ' ');
}

}  // namespace

HeadScan::Found HeadScan::refuse(unsigned status, std::string_view detail) {
  refusal_ = {status, detail};
  return Found::refused;
}

HeadScan::Found HeadScan::look(std::string_view received, const LimitSettings& limits,
                               bool is_request) {
  if (!line_done_) {
    const std::size_t line_end = received.find('\n');
    line_done_ = line_end != std::string_view::npos;
    const std::size_t line_size = line_done_ ? line_end + 1 : received.size();
    if (is_request && line_size > limits.request_line) {
      return refuse(414, "the request line is longer than allowed");
    }
  }
  const std::size_t from = scanned_ < 3 ? 0 : scanned_ - 3;
  const std::size_t end = received.find("\r\n\r\n", from);
  const bool is_whole = end != std::string_view::npos;
  size_ = is_whole ? end + 4 : received.size();
  if (size_ > limits.head) {
    return is_request ? refuse(431, "the request head is larger than allowed")
                      : refuse(502, "the response head is larger than allowed");
  }
  if (is_whole) return Found::head;
  for (std::size_t at = received.find('\n', scanned_); at != std::string_view::npos;
       at = received.find('\n', at + 1)) {
    if (at == 0 || received[at - 1] != '\r') {
      return refuse(is_request ? 400 : 502, "a line ends without CR");
    }
  }
  scanned_ = received.size();
  return Found::more;
}

std::optional<Refusal> parse_request_head(std::string_view raw, unsigned max_fields,
                                          core::RequestHead& head) {
  if (auto refusal = core::check_head_octets(raw)) return refusal;
  Lines lines(raw);
  if (auto refusal = cut_request_line(lines.next(), head)) return refusal;
  switch (cut_fields(lines, max_fields, head.fields)) {
    case Cut::done:
      return core::resolve_target(head);
    case Cut::malformed:
      return Refusal{400, malformed_request};
    case Cut::too_many:
      break;
  }
  return Refusal{431, "the request has too many fields"};
}

std::optional<Refusal> parse_response_head(std::string_view raw, core::ResponseHead& head) {
  if (core::check_head_octets(raw)) return malformed_response;
  Lines lines(raw);
  if (!cut_status_line(lines.next(), head)) return malformed_response;
  if (cut_fields(lines, max_response_fields, head.fields) != Cut::done) return malformed_response;
  if (head.status < 100) return Refusal{502, "the status code is malformed"};
  return std::nullopt;
}

}  // namespace sluice::proxy

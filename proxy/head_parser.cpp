#include "proxy/head_parser.hpp"

#include "core/octets.hpp"
#include "core/target.hpp"

namespace sluice::proxy {
using core::Refusal;

namespace {

constexpr unsigned max_response_fields = 1000;
constexpr std::string_view malformed_request = "the request head is malformed";
constexpr Refusal malformed_response{502, "the response head is malformed"};

/// The lines of a whole head, each looked at octet by octet as it is cut.
class Lines {
 public:
  explicit Lines(std::string_view head) : head_(head) {}
  /// The next line without its CRLF. False: it does not end so, or holds a control character other
  /// than HTAB.
  bool next(std::string_view& line) {
    std::size_t end = core::find_control(head_, at_);
    while (end < head_.size() && head_[end] == '\t') end = core::find_control(head_, end + 1);
    if (end + 1 >= head_.size() || head_[end] != '\r' || head_[end + 1] != '\n') return false;
    line = head_.substr(at_, end - at_);
    at_ = end + 2;
    return true;
  }
  /// What begins with the next line.
  std::string_view left() const { return head_.substr(at_); }

 private:
  std::string_view head_;
  std::size_t at_ = 0;
};

enum class Cut : std::uint8_t { done, malformed, too_many };

/// Cuts the field lines: a token, a colon right behind it, a value with blanks around it or not
/// (RFC 9112 section 5). The empty line behind them is the end of the head.
Cut cut_fields(Lines& lines, std::size_t max_fields, core::Fields& fields) {
  fields.clear();
  while (lines.left() != "\r\n") {
    const std::size_t colon = core::token_end(lines.left());
    std::string_view line;
    if (!lines.next(line) || colon == 0 || colon >= line.size() || line[colon] != ':') {
      return Cut::malformed;
    }
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

/// method SP target SP version, one SP each (RFC 9112 section 3). core::resolve_target() looks at
/// the octets of the target.
std::optional<Refusal> cut_request_line(std::string_view line, core::RequestHead& head) {
  constexpr std::size_t size_of_version = 8;
  constexpr Refusal malformed{400, "the request line is malformed"};
  if (line.size() < size_of_version + 1) return malformed;
  const std::size_t last_space = line.size() - size_of_version - 1;
  const auto version = version_of(line.substr(last_space + 1));
  if (!version || line[last_space] != ' ') return malformed;
  if (version->major != '1') return Refusal{505, "this HTTP version is not supported"};
  const std::size_t first_space = core::token_end(line);
  if (first_space == 0 || first_space + 1 >= last_space || line[first_space] != ' ') {
    return Refusal{400, malformed_request};
  }
  head.method = line.substr(0, first_space);
  head.target = line.substr(first_space + 1, last_space - first_space - 1);
  head.minor = served_minor(*version);
  return std::nullopt;
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
  size_ = received.size();
  bool is_whole = false;
  while (!is_whole) {
    const std::size_t at = received.find('\n', scanned_);
    const std::size_t line_size = at == std::string_view::npos ? received.size() : at + 1;
    if (is_request && !line_done_ && line_size > limits.request_line) {
      return refuse(414, "the request line is longer than allowed");
    }
    scanned_ = line_size;
    if (at == std::string_view::npos) break;
    line_done_ = true;
    if (at == 0 || received[at - 1] != '\r') {
      return refuse(is_request ? 400 : 502, "a line ends without CR");
    }
    // This line may be the empty one; if not, the one behind it may be, when that is there.
    const bool is_empty = at > 2 && received[at - 2] == '\n';
    const bool is_last = !is_empty && received.substr(scanned_, 2) == "\r\n";
    is_whole = is_empty || is_last;
    if (is_whole) size_ = scanned_ + (is_last ? 2 : 0);
  }
  if (size_ > limits.head) {
    return is_request ? refuse(431, "the request head is larger than allowed")
                      : refuse(502, "the response head is larger than allowed");
  }
  return is_whole ? Found::head : Found::more;
}

namespace {

std::optional<Refusal> cut_request(std::string_view raw, unsigned max_fields,
                                   core::RequestHead& head) {
  Lines lines(raw);
  std::string_view line;
  if (!lines.next(line)) return Refusal{400, malformed_request};
  if (auto refusal = cut_request_line(line, head)) return refusal;
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

}  // namespace

std::optional<Refusal> parse_request_head(std::string_view raw, unsigned max_fields,
                                          core::RequestHead& head) {
  auto refusal = cut_request(raw, max_fields, head);
  if (!refusal) return std::nullopt;
  // If the octets alone are to blame, that says more.
  if (auto of_octets = core::check_head_octets(raw)) return of_octets;
  return refusal;
}

std::optional<Refusal> parse_response_head(std::string_view raw, core::ResponseHead& head) {
  Lines lines(raw);
  std::string_view line;
  if (!lines.next(line) || !cut_status_line(line, head)) return malformed_response;
  if (cut_fields(lines, max_response_fields, head.fields) != Cut::done) return malformed_response;
  if (head.status < 100) return Refusal{502, "the status code is malformed"};
  return std::nullopt;
}

}  // namespace sluice::proxy

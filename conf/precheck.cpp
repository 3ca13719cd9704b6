#include "conf/precheck.hpp"

#include <string>
#include <utility>

namespace sluice::conf {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

/// Walks a TOML text, apart into strings, comments and the rest. What it makes of a text that is
/// not TOML does not matter: TOML++ stops at that place.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {
    if (text.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  std::optional<SyntaxError> run() {
    while (at_ < text_.size() && !error_) {
      const char c = text_[at_];
      if (c == '#') {
        skip_comment();
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else {
        check_outside(c);
        step();
      }
    }
    return std::move(error_);
  }

 private:
  void check_outside(char c) {
    count(c);
    if (!is_ascii(c)) {
      fail("found a character that is not ASCII outside of quotes and comments");
    } else if (dots_ >= max_key_parts) {
      fail("a key has more than " + std::to_string(max_key_parts) + " parts");
    } else if (nesting_ > max_nesting) {
      fail("arrays and tables are nested more than " + std::to_string(max_nesting) + " deep");
    }
  }

  void count(char c) {
    if (c == '.') {
      ++dots_;
    } else if (c == '[' || c == '{') {
      ++nesting_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      if (nesting_ > 0) --nesting_;
      dots_ = 0;
    } else if (c == '=' || c == ',' || c == '\n') {
      dots_ = 0;
    }
  }

  void step() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++place_.column;
    }
  }

  void step_over(std::size_t octets) {
    for (std::size_t i = 0; i < octets && at_ < text_.size(); ++i) step();
  }

  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') step();
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool many_lines = text_.substr(at_, 3) == three;
    const std::string_view end = many_lines ? std::string_view(three) : text_.substr(at_, 1);
    step_over(end.size());
    while (at_ < text_.size() && text_.substr(at_, end.size()) != end) {
      if (!many_lines && text_[at_] == '\n') return;
      if (quote == '"' && text_[at_] == '\\') {
        skip_escape();
        if (error_) return;
      } else {
        step();
      }
    }
    step_over(end.size());
    if (!many_lines) return;
    // Up to two quotes may stand in front of the three that end the string.
    for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) step();
  }

  /// A backslash and what it escapes: one character, or white space with line breaks.
  void skip_escape() {
    step();
    const bool ends_line = skip_white_space();
    if (at_ < text_.size() && !is_ascii(text_[at_])) {
      fail("found a character that is not ASCII behind a backslash");
    } else if (!ends_line) {
      step_over(1);
    }
  }

  bool skip_white_space() {
    const std::size_t start = at_;
    const std::size_t end = text_.find_first_not_of(" \t\r\n", start);
    step_over((end == std::string_view::npos ? text_.size() : end) - start);
    return at_ > start;
  }

  void fail(std::string what) { error_ = SyntaxError{place_, std::move(what)}; }

  std::string_view text_;
  std::size_t at_ = 0;
  Place place_;
  unsigned dots_ = 0;
  unsigned nesting_ = 0;
  std::optional<SyntaxError> error_;
};

}  // namespace

std::optional<SyntaxError> precheck(std::string_view text) {
  return Scan(text).run();
}

}  // namespace sluice::conf

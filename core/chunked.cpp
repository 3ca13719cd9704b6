#include "core/chunked.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/field_set.hpp"
#include "core/head.hpp"
#include "core/octets.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t max_size_digits = 16;
constexpr std::uint64_t size_limit = std::uint64_t{1} << 63U;

constexpr FieldSet not_in_trailers = {
    FieldId::accept,
    FieldId::alt_svc,
    FieldId::authorization,
    FieldId::connection,
    FieldId::content_length,
    FieldId::content_type,
    FieldId::cookie,
    FieldId::date,
    FieldId::expect,
    FieldId::forwarded,
    FieldId::host,
    FieldId::http2_settings,
    FieldId::keep_alive,
    FieldId::location,
    FieldId::max_forwards,
    FieldId::proxy_authenticate,
    FieldId::proxy_authorization,
    FieldId::proxy_connection,
    FieldId::proxy_status,
    FieldId::set_cookie,
    FieldId::te,
    FieldId::trailer,
    FieldId::traceparent,
    FieldId::transfer_encoding,
    FieldId::upgrade,
    FieldId::via,
    FieldId::x_forwarded_for,
    FieldId::x_forwarded_host,
    FieldId::x_forwarded_proto,
    FieldId::x_request_id,
};

// Request modifiers, authentication, content handling and response control that have no id.
constexpr std::array<std::string_view, 23> other_not_in_trailers = {
    "accept-ranges",
    "age",
    "allow",
    "authentication-info",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "cookie2",
    "early-data",
    "expires",
    "origin",
    "pragma",
    "proxy-authentication-info",
    "range",
    "retry-after",
    "set-cookie2",
    "strict-transport-security",
    "vary",
    "warning",
    "www-authenticate",
    "x-real-ip",
};

constexpr std::array<std::string_view, 4> prefixes_not_in_trailers = {"if-", "sec-", "x-forwarded-",
                                                                      "access-control-"};

bool may_be_trailer(std::string_view name) {
  const FieldId id = field_id(name);
  if (id != FieldId::other) return !not_in_trailers.has(id);
  const auto same = [name](std::string_view known) { return iequals(name, known); };
  const auto begins = [name](std::string_view prefix) {
    return iequals(name.substr(0, prefix.size()), prefix);
  };
  return std::none_of(other_not_in_trailers.begin(), other_not_in_trailers.end(), same) &&
         std::none_of(prefixes_not_in_trailers.begin(), prefixes_not_in_trailers.end(), begins);
}

}  // namespace

ChunkDecoder::Piece ChunkDecoder::feed(std::string_view in) {
  std::size_t at = 0;
  while (at < in.size() && state_ != State::done && state_ != State::bad) {
    if (state_ == State::data) return take_data(in, at);
    if (state_ == State::trailer) {
      at = take_trailer(in, at);
    } else {
      state_ = after(in[at++]);
    }
  }
  if (state_ == State::done) return {Status::done, at, {}};
  if (state_ == State::bad) return {Status::bad, at, {}};
  return {Status::more, at, {}};
}

void ChunkDecoder::reset() {
  state_ = State::size;
  left_ = 0;
  excess_ = 0;
  digits_ = 0;
  line_size_ = 0;
  trailer_size_ = 0;
  line_.clear();
  trailers_.clear();
}

ChunkDecoder::State ChunkDecoder::after(char octet) {
  switch (state_) {
    case State::size:
    case State::blank:
    case State::extension:
      return after_size(octet);
    case State::size_lf:
      return octet == '\n' ? after_size_line() : State::bad;
    case State::data_cr:
      return octet == '\r' ? State::data_lf : State::bad;
    case State::data_lf:
      return octet == '\n' ? State::size : State::bad;
    case State::data:
    case State::trailer:
    case State::done:
    case State::bad:
      break;
  }
  return State::bad;
}

ChunkDecoder::State ChunkDecoder::after_size(char octet) {
  const bool line_ends = octet == '\r' && digits_ > 0 && state_ != State::blank;
  if (line_ends) return State::size_lf;
  if (++line_size_ > max_line) return State::bad;
  if (state_ == State::extension) {
    return is_control(octet) && octet != '\t' ? State::bad : State::extension;
  }
  const int digit = state_ == State::size ? hex_value(octet) : -1;
  if (digit >= 0) {
    if (++digits_ > max_size_digits) return State::bad;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return State::size;
  }
  if (digits_ == 0) return State::bad;
  if (octet == ';') return State::extension;
  return is_blank(octet) ? State::blank : State::bad;
}

ChunkDecoder::State ChunkDecoder::after_size_line() {
  if (left_ >= size_limit) return State::bad;
  constexpr std::uint64_t line_ends = 4;
  const std::uint64_t allowance = 16 + 2 * std::min(left_, max_excess);
  excess_ += line_size_ + line_ends;
  excess_ -= std::min(excess_, allowance);
  if (excess_ > max_excess) return State::bad;
  digits_ = 0;
  line_size_ = 0;
  return left_ == 0 ? State::trailer : State::data;
}

ChunkDecoder::Piece ChunkDecoder::take_data(std::string_view in, std::size_t from) {
  const std::string_view rest = in.substr(from);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
  left_ -= size;
  if (left_ == 0) state_ = State::data_cr;
  return {Status::data, from + size, rest.substr(0, size)};
}

std::size_t ChunkDecoder::take_trailer(std::string_view in, std::size_t from) {
  const std::string_view rest = in.substr(from);
  const std::size_t line_feed = rest.find('\n');
  const bool complete = line_feed != std::string_view::npos;
  const std::size_t size = complete ? line_feed + 1 : rest.size();
  trailer_size_ += size;
  if (trailer_size_ > max_trailers) {
    state_ = State::bad;
    return from;
  }
  line_.append(rest.substr(0, size));
  if (complete) {
    state_ = after_trailer_line(line_);
    line_.clear();
  }
  return from + size;
}

ChunkDecoder::State ChunkDecoder::after_trailer_line(std::string_view line) {
  line.remove_suffix(1);
  if (line.empty() || line.back() != '\r') return State::bad;
  line.remove_suffix(1);
  if (line.empty()) return State::done;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return State::bad;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_token(name) || !is_field_text(value)) return State::bad;
  if (may_be_trailer(name)) {
    trailers_.append(name).append(": ").append(value).append("\r\n");
  }
  return State::trailer;
}

std::size_t write_chunk_size(char (&out)[chunk_size_room], std::uint64_t size) {
  char* end = std::to_chars(out, out + chunk_size_room - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - out);
}

}  // namespace sluice::core

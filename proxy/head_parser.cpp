#include "proxy/head_parser.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

#include "core/target.hpp"

namespace sluice::proxy {
namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;
using core::FieldId;
using core::Refusal;

namespace {

constexpr unsigned max_response_fields = 1000;

std::string_view to_std(string_view text) {
  return {text.data(), text.size()};
}

/// Beast has looked the name up already; only what it does not know is looked up again.
FieldId id_of(http::field known, std::string_view name) {
  switch (known) {
    case http::field::accept_encoding:
    case http::field::accept_language:
    case http::field::user_agent:
    case http::field::cache_control:
    case http::field::content_encoding:
    case http::field::etag:
    case http::field::last_modified:
    case http::field::referer:
    case http::field::vary:
      return FieldId::other;
    default:
      return core::field_id(name);
  }
}

/// Collects what the parser finds into a head, as views.
template <bool is_request, class Head>
class HeadSink final : public http::basic_parser<is_request> {
 public:
  HeadSink(Head& head, unsigned max_fields) : head_(head), max_fields_(max_fields) {
    head_.fields.clear();
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
    this->skip(true);
  }
  bool has_too_many_fields() const { return too_many_; }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    if constexpr (is_request) {
      head_.method = to_std(method);
      head_.target = to_std(target);
      head_.minor = version == 10 ? 0 : 1;
    }
  }
  void on_response_impl(int status, string_view reason, int version, error_code&) override {
    if constexpr (!is_request) {
      head_.status = static_cast<unsigned>(status);
      head_.reason = to_std(reason);
      head_.minor = version == 10 ? 0 : 1;
    }
  }
  void on_field_impl(http::field known, string_view name, string_view value,
                     error_code& error) override {
    if (head_.fields.size() >= max_fields_) {
      too_many_ = true;
      error = http::error::header_limit;
      return;
    }
    head_.fields.push_back({to_std(name), to_std(value), id_of(known, to_std(name))});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Head& head_;
  unsigned max_fields_;
  bool too_many_ = false;
};

/// The version digits at the end of a request line, or nullptr when there is no "HTTP/d.d".
char* version_of(char* raw, std::size_t size) {
  const std::size_t end = std::string_view(raw, size).find("\r\n");
  if (end == std::string_view::npos || end < 8) return nullptr;
  char* version = raw + end - 8;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_version = std::string_view(version, 5) == "HTTP/" && is_digit(version[5]) &&
                          version[6] == '.' && is_digit(version[7]);
  return is_version ? version + 5 : nullptr;
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

std::optional<Refusal> parse_request_head(char* raw, std::size_t size, unsigned max_fields,
                                          core::RequestHead& head) {
  if (auto refusal = core::check_head_octets({raw, size})) return refusal;
  char* version = version_of(raw, size);
  if (version == nullptr) return Refusal{400, "the request line is malformed"};
  if (version[0] != '1') return Refusal{505, "this HTTP version is not supported"};
  if (version[2] > '1') version[2] = '1';

  HeadSink<true, core::RequestHead> sink(head, max_fields);
  error_code error;
  sink.put(boost::asio::const_buffer(raw, size), error);
  if (sink.has_too_many_fields()) return Refusal{431, "the request has too many fields"};
  if (error) return Refusal{400, "the request head is malformed"};
  if (!sink.is_header_done()) return Refusal{400, "the request head is malformed"};
  return core::resolve_target(head);
}

std::optional<Refusal> parse_response_head(std::string_view raw, core::ResponseHead& head) {
  if (core::check_head_octets(raw)) return Refusal{502, "the response head is malformed"};
  HeadSink<false, core::ResponseHead> sink(head, max_response_fields);
  error_code error;
  sink.put(boost::asio::const_buffer(raw.data(), raw.size()), error);
  if (error || !sink.is_header_done()) return Refusal{502, "the response head is malformed"};
  if (head.status < 100 || head.status > 999) return Refusal{502, "the status code is malformed"};
  return std::nullopt;
}

}  // namespace sluice::proxy

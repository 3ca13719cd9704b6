#include "proxy/record.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::proxy {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// Milliseconds with three decimals.
void append_ms(std::string& out, std::uint64_t ns) {
  const std::uint64_t us = ns / 1000;
  append_number(out, us / 1000);
  const std::uint64_t rest = us % 1000;
  out += '.';
  out += static_cast<char>('0' + rest / 100);
  out += static_cast<char>('0' + rest / 10 % 10);
  out += static_cast<char>('0' + rest % 10);
}

bool is_special(char octet) {
  return octet < 0x20 || octet == '"' || octet == '\\' || octet == 0x7f;
}

void append_latin1_escape(std::string& out, char octet) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '\\';
  if (octet == '"' || octet == '\\') {
    out += octet;
    return;
  }
  const auto code = static_cast<unsigned char>(octet);
  out += "u00";
  out += digits[code >> 4U];
  out += digits[code & 15U];
}

/// A JSON string. Octets that are not ASCII are written as Latin-1 escapes: what a client sends
/// need not be UTF-8, the line has to be.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto special = std::find_if(text.begin(), text.end(), is_special);
    out.append(text.begin(), special);
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()));
    if (text.empty()) break;
    append_latin1_escape(out, text.front());
    text.remove_prefix(1);
  }
  out += '"';
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  out += key;
  out += "\":";
  append_string(out, value);
}

void append_member(std::string& out, std::string_view key, std::uint64_t value) {
  out += ",\"";
  out += key;
  out += "\":";
  append_number(out, value);
}

void append_ms_member(std::string& out, std::string_view key, std::uint64_t ns) {
  out += ",\"";
  out += key;
  out += "\":";
  append_ms(out, ns);
}

/// The trace id inside a traceparent.
std::string_view trace_id(std::string_view traceparent) {
  return traceparent.size() >= 35 ? traceparent.substr(3, 32) : std::string_view{};
}

}  // namespace

void Record::reset() {
  connect_ns = head_ns = first_head_ns = 0;
  for (std::string* text : {&method, &host, &path, &request_id, &trace, &backend}) text->clear();
  route = pool = error = {};
  why = core::Why::none;
  attempts = status = 0;
  octets_in = octets_out = generation = 0;
  keeps_open = false;
}

void append_log_line(std::string& out, const Record& record, std::string_view client,
                     std::string_view listener, std::uint64_t duration_ns, std::int64_t now_ms) {
  out += "{\"ts\":";
  append_ms(out, static_cast<std::uint64_t>(now_ms) * 1000);
  append_member(out, "request_id", record.request_id);
  append_member(out, "trace_id", trace_id(record.trace));
  append_member(out, "client", client);
  append_member(out, "listener", listener);
  append_member(out, "method", record.method);
  append_member(out, "host", record.host);
  append_member(out, "path", record.path);
  append_member(out, "route", record.route);
  append_member(out, "pool", record.pool);
  append_member(out, "backend", record.backend);
  append_member(out, "why", core::to_string(record.why));
  append_member(out, "attempts", std::uint64_t{record.attempts});
  append_member(out, "status", std::uint64_t{record.status});
  append_member(out, "bytes_in", record.octets_in);
  append_member(out, "bytes_out", record.octets_out);
  append_ms_member(out, "duration_ms", duration_ns);
  append_ms_member(out, "connect_ms", record.connect_ns);
  append_ms_member(out, "head_ms", record.head_ns);
  append_member(out, "error", record.error);
  append_member(out, "connection", record.keeps_open ? "keep-alive" : "close");
  append_member(out, "generation", record.generation);
  out += "}\n";
}

}  // namespace sluice::proxy

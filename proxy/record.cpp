#include "proxy/record.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "core/octet_writer.hpp"

namespace sluice::proxy {
namespace {
using core::OctetWriter;

/// Whether one of eight octets does not stand for itself in a JSON string: a control octet, a
/// quote, a backslash, DEL, or one that is not ASCII.
bool has_special(std::uint64_t octets) {
  constexpr std::uint64_t each = 0x0101010101010101ULL;
  // The high bit of an octet is set by what it is compared with. A borrow reaches only octets above
  // one that is special itself.
  const std::uint64_t found = octets | (octets + each) | (octets - 0x20 * each) |
                              ((octets ^ '"' * each) - each) | ((octets ^ '\\' * each) - each);
  return (found & 0x80 * each) != 0;
}

bool is_special(char octet) {
  return octet < 0x20 || octet == '"' || octet == '\\' || octet == 0x7f;
}

/// How many octets at the start stand for themselves: mostly all of them.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  for (std::uint64_t octets = 0; length + sizeof(octets) <= text.size(); length += sizeof(octets)) {
    std::memcpy(&octets, text.data() + length, sizeof(octets));
    if (has_special(octets)) break;
  }
  while (length < text.size() && !is_special(text[length])) ++length;
  return length;
}

void put_number(OctetWriter& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.put({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// Milliseconds with three decimals.
void put_ms(OctetWriter& out, std::uint64_t ns) {
  const std::uint64_t us = ns / 1000;
  put_number(out, us / 1000);
  const std::uint64_t rest = us % 1000;
  const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100),
                                     static_cast<char>('0' + rest / 10 % 10),
                                     static_cast<char>('0' + rest % 10)};
  out.put({decimals.data(), decimals.size()});
}

void put_latin1_escape(OctetWriter& out, char octet) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.put('\\');
  if (octet == '"' || octet == '\\') return out.put(octet);
  const auto code = static_cast<unsigned char>(octet);
  out.put("u00");
  out.put(digits[code >> 4U]);
  out.put(digits[code & 15U]);
}

/// The members of a line. `key` is all in front of the value, as it is written.
///
/// Octets of a text that are not ASCII are written as Latin-1 escapes: what a client sends need not
/// be UTF-8, the line has to be.
template <std::size_t N>
void put_text(OctetWriter& out, const char (&key)[N], std::string_view text) {
  out.put(key);
  for (;;) {
    const std::size_t plain = plain_length(text);
    out.put(text.substr(0, plain));
    if (plain == text.size()) break;
    put_latin1_escape(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out.put('"');
}

template <std::size_t N>
void put_number(OctetWriter& out, const char (&key)[N], std::uint64_t number) {
  out.put(key);
  put_number(out, number);
}

template <std::size_t N>
void put_ms(OctetWriter& out, const char (&key)[N], std::uint64_t ns) {
  out.put(key);
  put_ms(out, ns);
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

void append_log_line(std::string& line, const Record& record, std::string_view client,
                     std::string_view listener, std::uint64_t duration_ns, std::int64_t now_ms) {
  OctetWriter out(line);
  put_ms(out, "{\"ts\":", static_cast<std::uint64_t>(now_ms) * 1000);
  put_text(out, ",\"request_id\":\"", record.request_id);
  put_text(out, ",\"trace_id\":\"", trace_id(record.trace));
  put_text(out, ",\"client\":\"", client);
  put_text(out, ",\"listener\":\"", listener);
  put_text(out, ",\"method\":\"", record.method);
  put_text(out, ",\"host\":\"", record.host);
  put_text(out, ",\"path\":\"", record.path);
  put_text(out, ",\"route\":\"", record.route);
  put_text(out, ",\"pool\":\"", record.pool);
  put_text(out, ",\"backend\":\"", record.backend);
  put_text(out, ",\"why\":\"", core::to_string(record.why));
  put_number(out, ",\"attempts\":", record.attempts);
  put_number(out, ",\"status\":", record.status);
  put_number(out, ",\"bytes_in\":", record.octets_in);
  put_number(out, ",\"bytes_out\":", record.octets_out);
  put_ms(out, ",\"duration_ms\":", duration_ns);
  put_ms(out, ",\"connect_ms\":", record.connect_ns);
  put_ms(out, ",\"head_ms\":", record.head_ns);
  put_text(out, ",\"error\":\"", record.error);
  put_text(out, ",\"connection\":\"", record.keeps_open ? "keep-alive" : "close");
  put_number(out, ",\"generation\":", record.generation);
  out.put("}\n");
}

}  // namespace sluice::proxy

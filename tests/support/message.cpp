#include "tests/support/message.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::support {
namespace {

constexpr std::string_view crlf = "\r\n";

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_number(std::string_view text, bool (*digit)(char)) {
  return !text.empty() && text.size() < 16 && std::all_of(text.begin(), text.end(), digit);
}

void check_line(const std::string& line) {
  if (line.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
    throw Malformed("bare CR, LF or NUL in '" + line + "'");
}

/// A line without its CRLF.
std::string read_line(ByteStream& stream, std::string& bytes, Deadline deadline) {
  std::string line = stream.take_through(crlf, deadline);
  bytes += line;
  line.resize(line.size() - crlf.size());
  check_line(line);
  return line;
}

Fields read_fields(ByteStream& stream, std::string& bytes, Deadline deadline) {
  Fields fields;
  for (;;) {
    const std::string line = read_line(stream, bytes, deadline);
    if (line.empty()) return fields;
    const auto colon = line.find(':');
    if (colon == std::string::npos || !is_token(line.substr(0, colon)))
      throw Malformed("not a field line: '" + line + "'");
    const auto first = line.find_first_not_of(" \t", colon + 1);
    const auto last = line.find_last_not_of(" \t");
    fields.entries.emplace_back(line.substr(0, colon), first == std::string::npos
                                                           ? std::string()
                                                           : line.substr(first, last + 1 - first));
  }
}

void parse_status_line(const std::string& line, Response& out) {
  const bool fits = line.size() >= 13 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                    line[12] == ' ' && (line[7] == '0' || line[7] == '1') &&
                    is_number(line.substr(9, 3), [](char c) { return c >= '0' && c <= '9'; });
  if (!fits) throw Malformed("not a status line: '" + line + "'");
  out.minor = static_cast<unsigned>(line[7] - '0');
  out.status = static_cast<unsigned>(std::stoul(line.substr(9, 3)));
  out.reason = line.substr(13);
}

std::size_t content_length(const Fields& fields) {
  const auto values = fields.all("Content-Length");
  if (values.size() != 1 || !is_number(values.front(), [](char c) { return c >= '0' && c <= '9'; }))
    throw Malformed("bad Content-Length");
  return std::stoul(values.front());
}

Framing framing_of(const Response& answer, std::string_view method) {
  const bool chunked = answer.fields.has("Transfer-Encoding");
  const bool length = answer.fields.has("Content-Length");
  if (chunked && length) throw Malformed("Transfer-Encoding and Content-Length in " + answer.head);
  if (answer.status < 200 || answer.status == 204) {
    if (chunked || length) throw Malformed("framing fields in " + answer.head);
    return Framing::none;
  }
  if (method == "HEAD" || answer.status == 304) return Framing::none;
  if (chunked) {
    if (answer.fields.all("Transfer-Encoding") != std::vector<std::string>{"chunked"})
      throw Malformed("unknown Transfer-Encoding in " + answer.head);
    return Framing::chunked;
  }
  return length ? Framing::length : Framing::until_close;
}

void read_body(ByteStream& stream, Response& answer, Deadline deadline) {
  switch (answer.framing) {
    case Framing::none:
      return;
    case Framing::length: {
      const std::size_t size = content_length(answer.fields);
      const bool whole = stream.fill_to(size, deadline);
      answer.body = stream.take(size);
      if (!whole) throw Failure(std::string("body is cut: ") + to_string(stream.ending()));
      return;
    }
    case Framing::chunked:
      while (const auto chunk = read_chunk(stream, answer.trailers, deadline))
        answer.body += *chunk;
      return;
    case Framing::until_close:
      answer.body = stream.take_all(deadline);
      if (stream.ending() != Ending::closed)
        throw Failure(std::string("body is cut: ") + to_string(stream.ending()));
  }
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::vector<std::string> Fields::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : entries)
    if (same_name(key, name)) values.push_back(value);
  return values;
}

std::string Fields::get(std::string_view name) const {
  const auto values = all(name);
  return values.empty() ? std::string() : values.front();
}

Head read_head(ByteStream& stream, Deadline deadline) {
  Head head;
  head.start_line = read_line(stream, head.bytes, deadline);
  head.fields = read_fields(stream, head.bytes, deadline);
  return head;
}

std::optional<std::string> read_chunk(ByteStream& stream, Fields& trailers, Deadline deadline) {
  std::string bytes;
  const std::string line = read_line(stream, bytes, deadline);
  if (!is_number(line, [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }))
    throw Malformed("bad chunk size '" + line + "'");
  const std::size_t size = std::stoul(line, nullptr, 16);
  if (size == 0) {
    trailers = read_fields(stream, bytes, deadline);
    return std::nullopt;
  }
  if (!stream.fill_to(size + crlf.size(), deadline))
    throw Failure(std::string("chunk is cut: ") + to_string(stream.ending()));
  std::string chunk = stream.take(size);
  if (stream.take(crlf.size()) != crlf) throw Malformed("chunk data not followed by CRLF");
  return chunk;
}

Response read_response_head(ByteStream& stream, std::string_view method, Deadline deadline) {
  Response answer;
  try {
    const Head head = read_head(stream, deadline);
    answer.head = head.bytes;
    answer.fields = head.fields;
    parse_status_line(head.start_line, answer);
    answer.framing = framing_of(answer, method);
    answer.complete = answer.framing == Framing::none;
  } catch (const Failure& failure) {
    answer.trouble = failure.what();
  }
  return answer;
}

Response read_response(ByteStream& stream, std::string_view method, Deadline deadline) {
  std::vector<Response> interim;
  Response answer = read_response_head(stream, method, deadline);
  while (answer.status >= 100 && answer.status < 200 && answer.status != 101 &&
         answer.trouble.empty()) {
    interim.push_back(std::move(answer));
    answer = read_response_head(stream, method, deadline);
  }
  answer.interim = std::move(interim);
  if (!answer.trouble.empty()) return answer;
  try {
    read_body(stream, answer, deadline);
    answer.complete = true;
  } catch (const Failure& failure) {
    answer.trouble = failure.what();
  }
  return answer;
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  out << response.head << response.body.substr(0, 400);
  if (!response.trouble.empty()) out << "[" << response.trouble << "]";
  return out;
}

std::string in_chunks(std::string_view body, std::size_t size, std::string_view trailers) {
  std::string out;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, size);
    char line[20];
    std::snprintf(line, sizeof line, "%zx\r\n", part.size());
    out.append(line).append(part).append(crlf);
    body.remove_prefix(part.size());
  }
  return out.append("0\r\n").append(trailers).append(crlf);
}

}  // namespace sluice::support

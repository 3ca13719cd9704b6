#pragma once

#include <string>
#include <vector>

namespace sluice::e2e {

/// Octets that are no request, or two, depending on who reads them.
struct MalformedRequest {
  std::string what;
  std::string bytes;
  bool head_may_pass = false;  ///< the fault is in the body: the backend may see a head
};

/// A request of which any reader that is taken in finds GET /smuggled behind it.
inline std::string with_second(const std::string& fields, const std::string& body) {
  return "POST /first HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body +
         "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
}

/// Framing that the proxy and a backend could read differently (RFC 9112 section 6).
inline std::vector<MalformedRequest> framing_cases() {
  const std::string chunked_empty = "0\r\n\r\n";
  std::vector<MalformedRequest> cases = {
      {"both framings",
       with_second("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked_empty)},
      {"both framings, other order",
       with_second("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked_empty)},
      {"space before the colon of Transfer-Encoding",
       with_second("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", chunked_empty)},
      {"coding in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two lengths", with_second("Content-Length: 5\r\nContent-Length: 6\r\n", chunked_empty)},
  };
  for (const char* coding :
       {"gzip", "chunked, gzip", "chunked, chunked", "gzip, chunked", "xchunked", "identity",
        "\x0b"
        "chunked",
        "chunked;q=1", "\"chunked\"", "", "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity"})
    cases.push_back(
        {std::string("coding '") + coding + "'",
         with_second(std::string("Transfer-Encoding: ") + coding + "\r\n", chunked_empty)});
  for (const char* length : {"+5", "-5", "0x5", "5 5", "5, 6", "", "5\x0b", "5.0", "5;",
                             "99999999999999999999", "18446744073709551621"})
    cases.push_back(
        {std::string("length '") + length + "'",
         with_second(std::string("Content-Length: ") + length + "\r\n", chunked_empty)});
  return cases;
}

/// Heads outside the grammar (RFC 9112 sections 2.2, 3 and 5).
inline std::vector<MalformedRequest> head_cases() {
  const std::string nul(1, '\0');
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  std::vector<MalformedRequest> cases = {
      {"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n"},
      {"two Hosts", get + "Host: b\r\n\r\n"},
      {"line feeds alone", "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare CR in a value", get + "X: a\rb\r\n\r\n"},
      {"bare LF in a value", get + "X: a\nGET /smuggled HTTP/1.1\r\n\r\n"},
      {"NUL in a value", get + "X: a" + nul + "b\r\n\r\n"},
      {"NUL in the target", "GET /" + nul + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"folding", get + "X: a\r\n b\r\n\r\n"},
      {"white space before the first field", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"},
      {"space before a colon", get + "X : y\r\n\r\n"},
      {"empty field name", get + ": y\r\n\r\n"},
      {"no colon", get + "nonsense\r\n\r\n"},
      {"separator in a field name", get + "X(y): z\r\n\r\n"},
      {"high octet in a field name", get + "X\xff: z\r\n\r\n"},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {"garbage", "\x16\x03\x01\x02\r\n\r\n"},
  };
  for (const char* host : {"a b", "a/b", "user@a", "a:b:c", "[::1"})
    cases.push_back({std::string("Host '") + host + "'",
                     std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"});
  for (const char* line :
       {"GET / x HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1",
        "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", "GET host:80 HTTP/1.1", "GET * HTTP/1.1",
        "GET http://user@host/ HTTP/1.1", "G(T / HTTP/1.1", "GET http:///path HTTP/1.1",
        "GET / HTTP/1.1x", "GET a HTTP/1.1"})
    cases.push_back(
        {std::string("request line '") + line + "'", std::string(line) + "\r\nHost: a\r\n\r\n"});
  return cases;
}

/// Chunks outside the grammar (RFC 9112 section 7.1).
inline std::vector<MalformedRequest> chunk_cases() {
  std::vector<MalformedRequest> cases;
  const auto add = [&cases](const std::string& what, const std::string& body) {
    cases.push_back({what, with_second("Transfer-Encoding: chunked\r\n", body), true});
  };
  for (const char* size :
       {"g", "-1", "+1", "0x1", " 1", "", "FFFFFFFFFFFFFFFFF", "10000000000000001", "1\n", "1\rx"})
    add(std::string("chunk size '") + size + "'", std::string(size) + "\r\nx\r\n0\r\n\r\n");
  add("data not followed by CRLF", "1\r\nxy\r\n0\r\n\r\n");
  add("data followed by LF", "1\r\nx\n0\r\n\r\n");
  add("size ended by LF", "1\nx\r\n0\r\n\r\n");
  add("long extension", "1;" + std::string(70'000, 'e') + "\r\nx\r\n0\r\n\r\n");
  add("bare LF in a trailer", "1\r\nx\r\n0\r\nX: a\nb\r\n\r\n");
  add("trailer without colon", "1\r\nx\r\n0\r\nnonsense\r\n\r\n");
  return cases;
}

}  // namespace sluice::e2e

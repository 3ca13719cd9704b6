#include "core/hop.hpp"

#include <array>
#include <charconv>

#include "core/hop_fields.hpp"
#include "core/octets.hpp"

namespace sluice::core {
namespace {

// Meant for every recipient, or relied on by the proxy: Connection cannot take these away.
constexpr FieldSet end_to_end = {
    FieldId::authorization,
    FieldId::content_length,
    FieldId::content_type,
    FieldId::cookie,
    FieldId::date,
    FieldId::expect,
    FieldId::forwarded,
    FieldId::host,
    FieldId::location,
    FieldId::max_forwards,
    FieldId::set_cookie,
    FieldId::traceparent,
    FieldId::transfer_encoding,
    FieldId::via,
    FieldId::x_forwarded_for,
    FieldId::x_forwarded_host,
    FieldId::x_forwarded_proto,
    FieldId::x_request_id,
};

/// A protocol name with an optional version (RFC 9110 section 7.8) that is not HTTP itself.
bool is_foreign_protocol(std::string_view protocol) {
  const std::size_t slash = protocol.find('/');
  const std::string_view name = protocol.substr(0, slash);
  if (!is_token(name)) return false;
  if (slash != std::string_view::npos && !is_token(protocol.substr(slash + 1))) return false;
  return !iequals(name, "h2c") && !iequals(name, "h2") && !iequals(name, "http");
}

bool has_body(const BodyFraming& body) {
  return body.kind != BodyKind::none && !(body.kind == BodyKind::length && body.length == 0);
}

}  // namespace

void Nominations::take_all(std::string_view value) {
  each_element(value, ',', [this](std::string_view option) { take(option); });
}

void Nominations::take(std::string_view option) {
  if (iequals(option, "close")) {
    options_.close = true;
    return;
  }
  const FieldId id = field_id(option);
  if (id == FieldId::keep_alive) {
    options_.keep_alive = true;
  } else if (id == FieldId::upgrade) {
    options_.upgrade = true;
  } else if (id == FieldId::te) {
    options_.te = true;
  } else if (id != FieldId::other) {
    if (end_to_end.has(id)) return;
    known_.add(id);
    options_.names_others = true;
  } else {
    has_others_ = true;
    options_.names_others = true;
  }
}

bool Nominations::lists(std::string_view name) const {
  bool found = false;
  for (const Field& field : fields_) {
    if (field.id != FieldId::connection) continue;
    each_element(field.value, ',',
                 [&](std::string_view option) { found = found || iequals(option, name); });
  }
  return found;
}

FieldSet ids_in(const Fields& fields) {
  FieldSet ids;
  for (const Field& field : fields) ids.add(field.id);
  return ids;
}

void append_content_length(OctetWriter& out, std::uint64_t length) {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), length).ptr;
  append_field(out, "Content-Length",
               std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

ConnectionOptions connection_options(const Fields& fields) {
  if (find(fields, FieldId::connection) == nullptr) return {};
  return Nominations(fields).options();
}

bool persists(unsigned minor, const ConnectionOptions& options) {
  if (options.close) return false;
  return minor != 0 || options.keep_alive;
}

std::string_view wants_upgrade(const RequestHead& head, const ConnectionOptions& options,
                               const BodyFraming& body) {
  if (!options.upgrade || head.minor == 0 || has_body(body)) return {};
  const Field* asked = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::upgrade) continue;
    if (asked != nullptr) return {};
    asked = &field;
  }
  if (asked == nullptr || !is_foreign_protocol(asked->value)) return {};
  return asked->value;
}

bool expects_continue(const RequestHead& head) {
  if (head.minor == 0) return false;
  const Field* expect = find(head.fields, FieldId::expect);
  return expect != nullptr && iequals(expect->value, "100-continue");
}

std::optional<Refusal> check_expectation(const RequestHead& head) {
  for (const Field& field : head.fields) {
    if (field.id == FieldId::expect && !iequals(field.value, "100-continue")) {
      return Refusal{417, "unknown expectation"};
    }
  }
  return std::nullopt;
}

BodyFraming client_framing(const BodyFraming& body, unsigned client_minor) {
  const bool open_end = body.kind == BodyKind::chunked || body.kind == BodyKind::until_close;
  if (!open_end) return body;
  return {client_minor == 0 ? BodyKind::until_close : BodyKind::chunked, 0};
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

}  // namespace sluice::core

#include <array>
#include <charconv>

#include "core/hop.hpp"
#include "core/hop_fields.hpp"

namespace sluice::core {
namespace {

constexpr unsigned switching_protocols = 101;
constexpr unsigned no_content = 204;
constexpr unsigned not_modified = 304;

bool is_interim(unsigned status) {
  return status < 200;
}

void append_status_line(OctetWriter& out, const ResponseHead& head) {
  std::array<char, 3> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), head.status).ptr;
  out.put("HTTP/1.1 ");
  out.put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  out.put(" ");
  out.put(head.reason);
  out.put("\r\n");
}

/// The length a body would have that an answer to HEAD or a 304 does not carry, when it says so
/// in one way only.
std::optional<std::uint64_t> informational_length(const Fields& fields) {
  std::optional<std::uint64_t> length;
  for (const Field& field : fields) {
    if (field.id == FieldId::transfer_encoding) return std::nullopt;
    if (field.id != FieldId::content_length) continue;
    if (length) return std::nullopt;
    length = parse_content_length(field.value);
    if (!length) return std::nullopt;
  }
  return length;
}

void append_body_framing(OctetWriter& out, const ResponseHead& head, const BodyFraming& body,
                         bool to_head) {
  if (is_interim(head.status) || head.status == no_content) return;
  if (to_head || head.status == not_modified) {
    auto length = informational_length(head.fields);
    if (!length && body.kind == BodyKind::length) length = body.length;
    if (length) append_content_length(out, *length);
    return;
  }
  switch (body.kind) {
    case BodyKind::none:
      append_content_length(out, 0);
      break;
    case BodyKind::length:
      append_content_length(out, body.length);
      break;
    case BodyKind::chunked:
      append_chunked(out);
      break;
    case BodyKind::until_close:
      break;
  }
}

void pass_fields(OctetWriter& out, const ResponseHead& head, FieldSet dropped,
                 const Nominations& nominated) {
  FieldWriter writer(out);
  for (const Field& field : head.fields) {
    const bool gone =
        field.id == FieldId::other ? nominated.names(field.name) : dropped.has(field.id);
    if (!gone) writer.add(field);
  }
}

void append_connection(OctetWriter& out, unsigned status, const BodyFraming& body,
                       const ResponseAdditions& additions) {
  if (status == switching_protocols) {
    append_field(out, "Connection", "upgrade");
    append_field(out, "Upgrade", additions.upgrade);
  } else if (additions.close || body.kind == BodyKind::until_close) {
    append_field(out, "Connection", "close");
  } else if (additions.keep_alive && additions.client_minor == 0) {
    append_field(out, "Connection", "keep-alive");
  }
}

}  // namespace

void write_response_head(std::string& text, const ResponseHead& head, const BodyFraming& body,
                         const ResponseAdditions& additions) {
  OctetWriter out(text);
  const bool interim = is_interim(head.status);
  const bool takes_additions = !interim || head.status == switching_protocols;
  const bool shows_id = takes_additions && !additions.request_id.empty();
  const Nominations nominated(head.fields);
  FieldSet dropped = hop_fields;
  dropped.add(nominated.known());
  if (body.kind != BodyKind::chunked) dropped.add(FieldId::trailer);
  if (shows_id) dropped.add(FieldId::x_request_id);

  append_status_line(out, head);
  pass_fields(out, head, dropped, nominated);
  append_body_framing(out, head, body, additions.to_head);
  if (!interim && !additions.date.empty() && find(head.fields, FieldId::date) == nullptr) {
    append_field(out, "Date", additions.date);
  }
  if (takes_additions) {
    if (!additions.set_cookie.empty()) append_field(out, "Set-Cookie", additions.set_cookie);
    if (shows_id) append_field(out, "X-Request-Id", additions.request_id);
    append_connection(out, head.status, body, additions);
  }
  out.put("\r\n");
}

}  // namespace sluice::core
